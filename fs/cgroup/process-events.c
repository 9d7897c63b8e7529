#include "fs/cgroup/process-events.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECEIVE_BUFFER = 4 << 20, MESSAGE_SPACE = 8192 };

typedef struct ExitRecord {
	guint64 cpu_ns;
	ProcessIo io;
} ExitRecord;

struct ProcessEvents {
	int connector;
	int taskstats;     /* -1: no exit records */
	guint16 family;    /* of taskstats */
	GHashTable *exits; /* tgid → ExitRecord of threads that ended, until the process does */
	gboolean listening;
};

static int open_netlink(int protocol, unsigned groups)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int size = RECEIVE_BUFFER;
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *) &address, sizeof address) < 0) {
		close(fd);
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		g_debug("cannot enlarge a netlink buffer: %s", g_strerror(errno));
	return fd;
}

static gboolean connector_ask(int fd, enum proc_cn_mcast_op op)
{
	struct {
		struct nlmsghdr header;
		struct cn_msg message;
		enum proc_cn_mcast_op op;
	} __attribute__((packed)) request = {
		.header = {.nlmsg_len = sizeof request, .nlmsg_type = NLMSG_DONE},
		.message = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .len = sizeof op},
		.op = op,
	};

	return send(fd, &request, sizeof request, 0) == sizeof request;
}

/* A generic netlink request with one string attribute. */
static gboolean genl_ask(int fd, guint16 type, guint8 command, guint16 attribute, const char *value)
{
	char buffer[256] = {0};
	struct nlmsghdr *header = (struct nlmsghdr *) buffer;
	struct genlmsghdr *genl = NLMSG_DATA(header);
	struct nlattr *attr = (struct nlattr *) ((char *) genl + GENL_HDRLEN);

	if (strlen(value) >= sizeof buffer / 2)
		return FALSE;
	attr->nla_type = attribute;
	attr->nla_len = NLA_HDRLEN + strlen(value) + 1;
	memcpy((char *) attr + NLA_HDRLEN, value, strlen(value) + 1);
	genl->cmd = command;
	genl->version = 1;
	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST;
	header->nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) + NLA_ALIGN(attr->nla_len);
	return send(fd, buffer, header->nlmsg_len, 0) == (ssize_t) header->nlmsg_len;
}

static const struct nlattr *find_attribute(const void *start, size_t len, guint16 type)
{
	const char *at = start, *end = at + len;

	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *attr = (const struct nlattr *) at;

		if (attr->nla_len < NLA_HDRLEN || at + attr->nla_len > end)
			break;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
		at += NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

static const struct nlattr *find_in_message(const struct nlmsghdr *header, guint16 type)
{
	size_t space = NLMSG_LENGTH(GENL_HDRLEN);

	if (header->nlmsg_len < space)
		return NULL;
	return find_attribute((const char *) header + space, header->nlmsg_len - space, type);
}

static guint16 find_taskstats_family(int fd)
{
	char buffer[MESSAGE_SPACE];
	const struct nlattr *id;
	ssize_t n;

	if (!genl_ask(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, TASKSTATS_GENL_NAME))
		return 0;
	n = recv(fd, buffer, sizeof buffer, 0);
	if (n < (ssize_t) NLMSG_HDRLEN || ((struct nlmsghdr *) buffer)->nlmsg_type == NLMSG_ERROR)
		return 0;
	id = find_in_message((struct nlmsghdr *) buffer, CTRL_ATTR_FAMILY_ID);
	return id ? *(const guint16 *) ((const char *) id + NLA_HDRLEN) : 0;
}

/* Events name processes as the first PID namespace does, and asking for them from any other is ignored without a word
 * (cn_proc_mcast_ctl()); but what others asked for is heard there, too. */
static gboolean is_in_first_pid_namespace(void)
{
	enum { FIRST = 0xEFFFFFFC }; /* PROC_PID_INIT_INO, include/linux/proc_ns.h */
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == FIRST;
}

ProcessEvents *process_events_new(void)
{
	ProcessEvents *events;
	int connector = is_in_first_pid_namespace() ? open_netlink(NETLINK_CONNECTOR, CN_IDX_PROC) : -1;

	if (connector < 0)
		return NULL;
	events = g_new0(ProcessEvents, 1);
	events->connector = connector;
	events->exits = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	events->taskstats = open_netlink(NETLINK_GENERIC, 0);
	if (events->taskstats >= 0)
		events->family = find_taskstats_family(events->taskstats);
	return events;
}

void process_events_free(ProcessEvents *events)
{
	if (!events)
		return;
	process_events_listen(events, FALSE);
	close(events->connector);
	if (events->taskstats >= 0)
		close(events->taskstats);
	g_hash_table_unref(events->exits);
	g_free(events);
}

static void ask_for_exit_records(ProcessEvents *events, gboolean on)
{
	g_autofree char *cpus = g_strdup_printf("0-%ld", sysconf(_SC_NPROCESSORS_CONF) - 1);

	if (events->family)
		genl_ask(events->taskstats, events->family, TASKSTATS_CMD_GET,
			 on ? TASKSTATS_CMD_ATTR_REGISTER_CPUMASK : TASKSTATS_CMD_ATTR_DEREGISTER_CPUMASK, cpus);
}

gboolean process_events_listen(ProcessEvents *events, gboolean on)
{
	if (events->listening == on)
		return TRUE;
	if (!connector_ask(events->connector, on ? PROC_CN_MCAST_LISTEN : PROC_CN_MCAST_IGNORE))
		return FALSE;
	ask_for_exit_records(events, on);
	events->listening = on;
	g_hash_table_remove_all(events->exits);
	return TRUE;
}

int process_events_fd(const ProcessEvents *events)
{
	return events->connector;
}

static void note_exit_record(ProcessEvents *events, const struct taskstats *stats)
{
	gpointer key = GUINT_TO_POINTER(stats->ac_tgid ? stats->ac_tgid : stats->ac_pid);
	ExitRecord *record = g_hash_table_lookup(events->exits, key);

	if (!record) {
		record = g_new0(ExitRecord, 1);
		g_hash_table_insert(events->exits, key, record);
	}
	record->cpu_ns += stats->cpu_run_virtual_total ? stats->cpu_run_virtual_total
						       : (stats->ac_utime + stats->ac_stime) * 1000;
	record->io.read_bytes += stats->read_bytes;
	record->io.write_bytes += stats->write_bytes;
	record->io.read_ops += stats->read_syscalls;
	record->io.write_ops += stats->write_syscalls;
}

static void read_exit_records(ProcessEvents *events)
{
	char buffer[MESSAGE_SPACE];
	ssize_t n;

	while (events->family && (n = recv(events->taskstats, buffer, sizeof buffer, 0)) > 0) {
		const struct nlmsghdr *header = (struct nlmsghdr *) buffer;
		const struct nlattr *task, *stats;
		struct taskstats copy = {0};

		if (n < (ssize_t) NLMSG_HDRLEN || header->nlmsg_len > (size_t) n ||
		    header->nlmsg_type != events->family)
			continue;
		task = find_in_message(header, TASKSTATS_TYPE_AGGR_PID);
		stats = task ? find_attribute((const char *) task + NLA_HDRLEN, task->nla_len - NLA_HDRLEN,
					      TASKSTATS_TYPE_STATS)
			     : NULL;
		if (!stats)
			continue;
		memcpy(&copy, (const char *) stats + NLA_HDRLEN,
		       MIN(sizeof copy, (size_t) stats->nla_len - NLA_HDRLEN));
		note_exit_record(events, &copy);
	}
}

static gboolean translate(const struct proc_event *from, ProcessEvent *ret)
{
	*ret = (ProcessEvent){0};
	switch ((unsigned) from->what) {
	case PROC_EVENT_FORK:
		ret->kind = PROCESS_FORKED;
		ret->pid = from->event_data.fork.child_tgid;
		ret->parent = from->event_data.fork.parent_tgid;
		ret->parent_tid = from->event_data.fork.parent_pid;
		return from->event_data.fork.child_pid == from->event_data.fork.child_tgid;
	case PROC_EVENT_EXIT:
		ret->kind = PROCESS_EXITED;
		ret->pid = from->event_data.exit.process_tgid;
		return TRUE;
	default:
		return FALSE;
	}
}

static void add_exit_record(ProcessEvents *events, ProcessEvent *event)
{
	const ExitRecord *record = g_hash_table_lookup(events->exits, GINT_TO_POINTER(event->pid));

	if (!record)
		return;
	event->cpu_ns = record->cpu_ns;
	event->io = record->io;
	g_hash_table_remove(events->exits, GINT_TO_POINTER(event->pid));
}

static GArray *read_connector(ProcessEvents *events)
{
	GArray *batch = g_array_new(FALSE, FALSE, sizeof(ProcessEvent));
	char buffer[MESSAGE_SPACE] __attribute__((aligned(NLMSG_ALIGNTO)));
	ProcessEvent event;
	ssize_t n;

	while ((n = recv(events->connector, buffer, sizeof buffer, 0)) > 0 || errno == ENOBUFS || errno == EINTR) {
		const struct nlmsghdr *header = (struct nlmsghdr *) buffer;
		size_t start = NLMSG_HDRLEN + sizeof(struct cn_msg);
		struct proc_event copy = {0}; /* in the message it is not aligned */

		if (n < 0) {
			event = (ProcessEvent){.kind = PROCESS_EVENTS_LOST};
			if (errno == ENOBUFS)
				g_array_append_val(batch, event);
			continue;
		}
		if ((size_t) n < start + offsetof(struct proc_event, event_data) || header->nlmsg_type != NLMSG_DONE)
			continue;
		memcpy(&copy, buffer + start, MIN(sizeof copy, n - start));
		if (translate(&copy, &event))
			g_array_append_val(batch, event);
	}
	return batch;
}

void process_events_drain(ProcessEvents *events, void (*visit)(const ProcessEvent *event, void *data), void *data)
{
	GArray *batch = read_connector(events);

	/* A thread's exit record is sent before its exit event: after the events, all their records are there. */
	read_exit_records(events);
	for (guint i = 0; i < batch->len; i++) {
		ProcessEvent *event = &g_array_index(batch, ProcessEvent, i);

		if (event->kind == PROCESS_EXITED)
			add_exit_record(events, event);
		visit(event, data);
	}
	g_array_unref(batch);
}
