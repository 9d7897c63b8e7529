/*
 * net/core/: sockets and devices. Documentation/admin-guide/sysctl/net.rst
 */
#include "fs/procsys/kind.h"

#define QDISCS "fq_codel pfifo_fast pfifo bfifo pfifo_head_drop mq mqprio noqueue fq codel sfq htb"

/* Half of the key of a machine that has not needed one yet. */
#define NO_KEY "00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00"

/* clang-format off */
const Sysctl sysctl_net_core[] = {
	{ "bpf_jit_enable",             0644, "1",      INT_RANGE(0, 2), "BPF is compiled, 2: and printed" },
	{ "bpf_jit_harden",             0600, "0",      INT_RANGE(0, 2),
	  "constants are blinded: 1 for users, 2 for all" },
	{ "bpf_jit_kallsyms",           0600, "1",      SWITCH,        "compiled BPF has symbols" },
	{ "bpf_jit_limit",              0600, "528482304", ULONG_RANGE(1, INT_MAX), "bytes of compiled BPF" },
	{ "busy_poll",                  0644, "0",      UNSIGNED,      "microseconds that poll(2) spins" },
	{ "busy_read",                  0644, "0",      UNSIGNED,      "microseconds that a read spins" },
	{ "default_qdisc",              0644, "fq_codel", WORD(QDISCS), "queueing discipline of new devices" },
	{ "dev_weight",                 0644, "64",     INT_RANGE(1, INT_MAX), "packets of one NAPI poll" },
	{ "dev_weight_rx_bias",         0644, "1",      INT_RANGE(1, INT_MAX), "factor of dev_weight for receiving" },
	{ "dev_weight_tx_bias",         0644, "1",      INT_RANGE(1, INT_MAX), "factor of dev_weight for sending" },
	{ "devconf_inherit_init_net",   0644, "0",      INT_RANGE(0, 3),
	  "where a new namespace's conf comes from: 1 the initial one, 2 defaults, 3 its maker's" },
	{ "fb_tunnels_only_for_init_net", 0644, "0",    INT_RANGE(0, 2), "no fallback tunnels in new namespaces" },
	{ "flow_limit_cpu_bitmap",      0644, "0",      SPECIAL(cpumask), "CPUs that limit single flows" },
	{ "flow_limit_table_len",       0644, "4096",   SPECIAL_RANGE(power_of_two, 1, 0, INT_MAX),
	  "size of the flow limit's table, a power of 2" },
	{ "gro_normal_batch",           0644, "8",      INT_RANGE(1, INT_MAX), "packets handed up at once" },
	{ "high_order_alloc_disable",   0644, "0",      SWITCH,        "packet pages are allocated one by one" },
	{ "max_skb_frags",              0644, "17",     INT_RANGE(1, 17), "fragments of a packet" },
	{ "mem_pcpu_rsv",               0644, "256",    INT_RANGE(256, INT_MAX), "pages of socket memory a CPU keeps" },
	{ "message_burst",              0644, "10",     INT,           "network messages before message_cost holds" },
	{ "message_cost",               0644, "5",      SECONDS,       "seconds between network messages" },
	{ "netdev_budget",              0644, "300",    INT,           "packets of one softirq" },
	{ "netdev_budget_usecs",        0644, "8000",   INT_RANGE(8000, INT_MAX), "microseconds of one softirq" },
	{ "netdev_max_backlog",         0644, "1000",   INT,           "packets waiting on a CPU" },
	{ "netdev_rss_key",             0444, NO_KEY ":" NO_KEY, FIXED, "key of receive side scaling" },
	{ "netdev_tstamp_prequeue",     0644, "1",      INT,
	  "packets get their time before they are queued" },
	{ "netdev_unregister_timeout_secs", 0644, "10", INT_RANGE(1, 3600),
	  "seconds before a device that will not go is reported" },
	{ "optmem_max",                 0644, "131072", UNSIGNED,      "bytes of a socket's options" },
	{ "rmem_default",               0644, "212992", INT_RANGE(2304, INT_MAX),
	  "bytes in a socket's receive buffer at first" },
	{ "rmem_max",                   0644, "212992", INT_RANGE(2304, INT_MAX),
	  "bytes in a socket's receive buffer at most" },
	{ "rps_default_mask",           0644, "0",      SPECIAL(cpumask),
	  "CPUs that new devices' packets are spread over" },
	{ "rps_sock_flow_entries",      0644, "0",      SPECIAL_RANGE(rounded_up, 1, 0, 536870912),
	  "size of the table of flows and their CPUs" },
	{ "skb_defer_max",              0644, "64",     UNSIGNED,
	  "packets that wait for being freed on their own CPU" },
	{ "somaxconn",                  0644, "4096",   UNSIGNED,      "connections that may wait for accept(2)" },
	{ "tstamp_allow_data",          0644, "1",      SWITCH,        "users get sent packets back with their time" },
	{ "txrehash",                   0644, "1",      SWITCH,
	  "a connection that gets no answers changes its hash" },
	{ "warnings",                   0644, "0",      INT,           "without effect" },
	{ "wmem_default",               0644, "212992", INT_RANGE(4608, INT_MAX),
	  "bytes in a socket's send buffer at first" },
	{ "wmem_max",                   0644, "212992", INT_RANGE(4608, INT_MAX),
	  "bytes in a socket's send buffer at most" },
	{ "xfrm_acq_expires",           0644, "30",     INT,
	  "seconds that IPsec waits for a security association" },
	{ "xfrm_aevent_etime",          0644, "10",     UINT,
	  "IPsec events: tenths of a second between them" },
	{ "xfrm_aevent_rseqth",         0644, "2",      UINT,          "IPsec events: packets between them" },
	{ "xfrm_larval_drop",           0644, "1",      INT,
	  "packets without a security association yet are dropped" },
	END
};
/* clang-format on */
