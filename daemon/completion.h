/*
 * Shell completions, from the option table.
 */
#pragma once

/* shell: "bash" or "zsh". Prints to stdout; returns an exit code. */
int completion_print(const char *shell);
