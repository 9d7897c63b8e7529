#pragma once

#include <glib.h>

/* By what gVisor writes to its log; FALSE where the log may not be read and nothing else tells. */
gboolean kernel_is_gvisor(void);
