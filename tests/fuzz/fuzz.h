/* What a fuzz target is. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry point. Aborts (g_assert) where an answer is wrong; sanitizers see the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target's own seeds, beside those of files; ends with NULL. */
extern const char *const fuzz_seeds[];
