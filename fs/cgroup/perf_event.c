/* The perf_event controller: has no files; perf finds a group by its directory. In v2 it is implicit, without a name.
 */
#include "fs/cgroup/group.h"

static const VFile perf_event_files[] = {{0}};

const Controller perf_event_controller = {
	.v1_name = "perf_event",
	.v1_files = perf_event_files,
	.v2_files = perf_event_files,
};
