/*
 * net/ipv4/conf/: IPv4 of each interface. "all" is what holds for all, "default" what a new one begins with.
 */
#include "fs/procsys/kind.h"

/* clang-format off */
static const Sysctl interface[] = {
	{ "accept_local",               0644, "0",     INT,   "packets from own addresses are taken" },
	{ "accept_redirects",           0644, "1",     INT,   "ICMP redirects are obeyed" },
	{ "accept_source_route",        0644, "1",     INT,   "source routed packets are taken" },
	{ "arp_accept",                 0644, "0",     INT,   "unknown hosts are learnt from gratuitous ARP" },
	{ "arp_announce",               0644, "0",     INT,   "which own address ARP requests name" },
	{ "arp_evict_nocarrier",        0644, "1",     INT,   "the ARP cache goes with the carrier" },
	{ "arp_filter",                 0644, "0",     INT,   "ARP answers on the interface that routes say" },
	{ "arp_ignore",                 0644, "0",     INT,   "which ARP requests are answered" },
	{ "arp_notify",                 0644, "0",     INT,   "address changes are announced" },
	{ "bc_forwarding",              0644, "0",     INT,   "broadcasts to other networks are forwarded" },
	{ "bootp_relay",                0644, "0",     INT,   "packets from 0.b.c.d are taken" },
	{ "disable_policy",             0644, "0",     INT,   "no IPsec policy" },
	{ "disable_xfrm",               0644, "0",     INT,   "no IPsec encryption" },
	{ "drop_gratuitous_arp",        0644, "0",     INT,   "gratuitous ARP is dropped" },
	{ "drop_unicast_in_l2_multicast", 0644, "0",   INT,   "unicast packets in multicast frames are dropped" },
	{ "force_igmp_version",         0644, "0",     INT,   "IGMP version, 0: any" },
	{ "forwarding",                 0644, "0",     INT,   "packets are forwarded",
	  .changed = sysctl_changed_forwarding },
	{ "igmpv2_unsolicited_report_interval", 0644, "10000", INT, "milliseconds between reports" },
	{ "igmpv3_unsolicited_report_interval", 0644, "1000", INT, "milliseconds between reports" },
	{ "ignore_routes_with_linkdown", 0644, "0",    INT,   "routes over links that are down are not used" },
	{ "log_martians",               0644, "0",     INT,   "packets with impossible addresses are logged" },
	{ "mc_forwarding",              0444, "0",     FIXED, "multicast is forwarded" },
	{ "medium_id",                  0644, "0",     INT,   "number of the medium that the interface is on" },
	{ "promote_secondaries",        0644, "0",     INT,   "a secondary address follows a deleted primary one" },
	{ "proxy_arp",                  0644, "0",     INT,   "ARP is answered for hosts behind" },
	{ "proxy_arp_pvlan",            0644, "0",     INT,   "and for those on the same interface" },
	{ "route_localnet",             0644, "0",     INT,   "127.0.0.0/8 can be routed" },
	{ "rp_filter",                  0644, "0",     INT,   "source addresses are checked: 1 strictly, 2 loosely" },
	{ "secure_redirects",           0644, "1",     INT,   "redirects only to known gateways" },
	{ "send_redirects",             0644, "1",     INT,   "redirects are sent" },
	{ "shared_media",               0644, "1",     INT,   "several networks share the medium" },
	{ "src_valid_mark",             0644, "0",     INT,   "the packet's mark counts in the source check" },
	{ "tag",                        0644, "0",     INT,   "number for whoever wants one" },
	END
};

const Sysctl sysctl_net_ipv4_conf[] = {
	DIRECTORY("all", INCLUDE(interface, "accept_source_route", "0"),),
	DIRECTORY("default", INCLUDE(interface),),
	DIRECTORY("lo", INCLUDE(interface, "disable_policy", "1", "disable_xfrm", "1"),),
	END
};
/* clang-format on */
