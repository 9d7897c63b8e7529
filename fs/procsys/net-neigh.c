/*
 * net/ipv[46]/neigh/: the neighbours of each interface. Documentation/networking/ip-sysctl.rst
 */
#include "fs/procsys/kind.h"

/* clang-format off */
static const Sysctl interface[] = {
	{ "anycast_delay",          0644, "100",    TICKS,         "1/100 s that answers for anycast addresses wait" },
	{ "app_solicit",            0644, "0",      UNSIGNED,      "questions to a daemon" },
	{ "base_reachable_time",    0644, "30",     SECONDS,       "seconds that a neighbour is believed to be there",
	  .same_as = "base_reachable_time_ms" },
	{ "base_reachable_time_ms", 0644, "30000",  MILLISECONDS,  "the same in milliseconds" },
	{ "delay_first_probe_time", 0644, "5",      SECONDS,       "seconds before the first question" },
	{ "gc_stale_time",          0644, "60",     SECONDS,       "seconds before an old entry is looked at" },
	{ "interval_probe_time_ms", 0644, "5000",   MILLISECONDS_FROM(1),
	  "milliseconds between questions about managed entries" },
	{ "locktime",               0644, "100",    TICKS,         "1/100 s that an entry stays as it is" },
	{ "mcast_resolicit",        0644, "0",      UNSIGNED,      "multicast questions after unicast ones" },
	{ "mcast_solicit",          0644, "3",      UNSIGNED,      "multicast questions" },
	{ "proxy_delay",            0644, "80",     TICKS,         "1/100 s that proxy answers wait" },
	{ "proxy_qlen",             0644, "64",     UNSIGNED,      "proxy answers that wait" },
	{ "retrans_time_ms",        0644, "1000",   MILLISECONDS,  "milliseconds between questions" },
	{ "ucast_solicit",          0644, "3",      UNSIGNED,      "unicast questions" },
	{ "unres_qlen",             0644, "101",    SPECIAL(queue_length), "packets that wait for an address",
	  .same_as = "unres_qlen_bytes" },
	{ "unres_qlen_bytes",       0644, "212992", UNSIGNED,      "the same in bytes" },
	END
};

static const Sysctl collection[] = {
	{ "gc_interval", 0644, "30",   SECONDS,  "seconds between looks for old entries" },
	{ "gc_thresh1",  0644, "128",  UNSIGNED, "entries up to which all are kept" },
	{ "gc_thresh2",  0644, "512",  UNSIGNED, "entries from which on old ones go soon" },
	{ "gc_thresh3",  0644, "1024", UNSIGNED, "entries at most" },
	END
};

static const Sysctl ipv4[] = {
	{ "retrans_time", 0644, "100", TICKS, "1/100 s between questions", .same_as = "retrans_time_ms" },
	END
};

static const Sysctl ipv6[] = {
	{ "retrans_time", 0644, "250", INT, "jiffies between questions", .same_as = "retrans_time_ms" },
	END
};

const Sysctl sysctl_net_ipv4_neigh[] = {
	DIRECTORY("default", INCLUDE(interface), INCLUDE(ipv4), INCLUDE(collection),),
	DIRECTORY("lo", INCLUDE(interface), INCLUDE(ipv4),),
	END
};

const Sysctl sysctl_net_ipv6_neigh[] = {
	DIRECTORY("default", INCLUDE(interface, "locktime", "0"), INCLUDE(ipv6), INCLUDE(collection),),
	DIRECTORY("lo", INCLUDE(interface, "locktime", "0"), INCLUDE(ipv6),),
	END
};
/* clang-format on */
