#include "daemon/probe/fuse-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The protocol's own limit on a request: what INIT grants for WRITE, and a header. */
#define MAX_WRITE    65536
#define REQUEST_SIZE (MAX_WRITE + 4096)
/* Large enough for any content here; gVisor cuts reads at the size. */
#define LIVE_SIZE 4096

typedef struct Node {
	guint64 id;
	const char *name;
	mode_t mode;
	guint64 size;
} Node;

static const Node nodes[] = {
	{FUSE_ROOT_ID, ".", S_IFDIR | 0755, 0},
	{2, FUSE_TREE_LIVE, S_IFREG | 0644, LIVE_SIZE},
	{3, FUSE_TREE_SIZELESS, S_IFREG | 0444, 0},
	{4, FUSE_TREE_REFUSING, S_IFREG | 0644, LIVE_SIZE},
};

typedef struct Server {
	int device;
	FuseTreeFlags flags;
	FuseTreeLog *log;
} Server;

static void reply(const Server *server, const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	struct fuse_out_header out = {
		.len = (uint32_t) (sizeof out + (error ? 0 : size)),
		.error = error,
		.unique = in->unique,
	};
	struct iovec parts[] = {{&out, sizeof out}, {(void *) data, error ? 0 : size}};

	/* A reply fails only if the request was interrupted or the mount is gone; both are the client's affair. */
	if (writev(server->device, parts, size && !error ? 2 : 1) < 0)
		return;
}

static const Node *find_node(guint64 id)
{
	return id >= 1 && id <= G_N_ELEMENTS(nodes) ? &nodes[id - 1] : NULL;
}

static struct fuse_attr attributes(const Node *node)
{
	return (struct fuse_attr){
		.ino = node->id,
		.size = node->size,
		.mode = node->mode,
		.nlink = S_ISDIR(node->mode) ? 2 : 1,
		.uid = getuid(),
		.gid = getgid(),
		.blksize = 4096,
	};
}

static void serve_init(Server *server, const struct fuse_in_header *in, const void *argument)
{
	const struct fuse_init_in *init = argument;
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = init->max_readahead,
		.max_background = 12,
		.congestion_threshold = 9,
		.max_write = MAX_WRITE,
		.time_gran = 1,
	};

	server->log->minor = init->minor;
	server->log->flags = init->flags;
	reply(server, in, 0, &out, sizeof out);
}

static void serve_lookup(Server *server, const struct fuse_in_header *in, const void *argument)
{
	for (guint i = 1; i < G_N_ELEMENTS(nodes); i++) {
		struct fuse_entry_out entry = {.nodeid = nodes[i].id, .generation = 1, .attr = attributes(&nodes[i])};

		if (strcmp(argument, nodes[i].name) != 0)
			continue;
		reply(server, in, 0, &entry, sizeof entry);
		return;
	}
	reply(server, in, -ENOENT, NULL, 0);
}

static void serve_getattr(Server *server, const struct fuse_in_header *in, const void *argument)
{
	const Node *node = find_node(in->nodeid);
	struct fuse_attr_out out = {0};

	if (node)
		out.attr = attributes(node);
	reply(server, in, node ? 0 : -ENOENT, &out, sizeof out);
}

static void serve_open(Server *server, const struct fuse_in_header *in, const void *argument)
{
	struct fuse_open_out out = {.fh = in->nodeid, .open_flags = FOPEN_DIRECT_IO};

	server->log->opener = (pid_t) in->pid;
	server->log->opener_uid = in->uid;
	reply(server, in, 0, &out, sizeof out);
}

static void serve_opendir(Server *server, const struct fuse_in_header *in, const void *argument)
{
	struct fuse_open_out out = {.fh = in->nodeid};

	reply(server, in, server->flags & FUSE_TREE_INCOMPLETE ? -ENOSYS : 0, &out, sizeof out);
}

static void serve_access(Server *server, const struct fuse_in_header *in, const void *argument)
{
	reply(server, in, server->flags & FUSE_TREE_INCOMPLETE ? -ENOSYS : 0, NULL, 0);
}

static void serve_read(Server *server, const struct fuse_in_header *in, const void *argument)
{
	const struct fuse_read_in *read_in = argument;
	g_autofree char *text = NULL;
	size_t length, begin, end;

	if (in->nodeid == 2 && read_in->offset == 0)
		server->log->readings++;
	text = in->nodeid == 2 ? g_strdup_printf("reading %u\n", server->log->readings) : g_strdup(FUSE_TREE_TEXT);
	length = strlen(text);
	begin = MIN(read_in->offset, length);
	end = MIN(begin + read_in->size, length);
	reply(server, in, 0, text + begin, end - begin);
}

static void serve_write(Server *server, const struct fuse_in_header *in, const void *argument)
{
	const struct fuse_write_in *write_in = argument;
	struct fuse_write_out out = {.size = write_in->size};
	size_t kept = MIN(write_in->size, sizeof server->log->text - 1);

	memcpy(server->log->text, write_in + 1, kept);
	server->log->text[kept] = '\0';
	server->log->written = write_in->size;
	reply(server, in, in->nodeid == 4 ? -EINVAL : 0, &out, sizeof out);
}

static void append_entry(GByteArray *entries, const Node *node, guint64 next)
{
	static const guint8 padding[8];
	struct fuse_dirent entry = {
		.ino = node->id,
		.off = next,
		.namelen = (uint32_t) strlen(node->name),
		.type = node->mode >> 12,
	};

	g_byte_array_append(entries, (const guint8 *) &entry, FUSE_NAME_OFFSET);
	g_byte_array_append(entries, (const guint8 *) node->name, entry.namelen);
	g_byte_array_append(entries, padding, (guint) (FUSE_DIRENT_ALIGN(entries->len) - entries->len));
}

static void serve_readdir(Server *server, const struct fuse_in_header *in, const void *argument)
{
	const struct fuse_read_in *read_in = argument;
	g_autoptr(GByteArray) entries = g_byte_array_new();

	for (guint i = (guint) MIN(read_in->offset, G_N_ELEMENTS(nodes)); i < G_N_ELEMENTS(nodes); i++)
		append_entry(entries, &nodes[i], i + 1);
	reply(server, in, 0, entries->data, entries->len);
}

static void serve_statfs(Server *server, const struct fuse_in_header *in, const void *argument)
{
	struct fuse_statfs_out out = {
		.st = {.blocks = FUSE_TREE_BLOCKS, .bsize = 4096, .frsize = 4096, .namelen = 255},
	};

	reply(server, in, 0, &out, sizeof out);
}

static void serve_poll(Server *server, const struct fuse_in_header *in, const void *argument)
{
	struct fuse_poll_out out = {.revents = 0x0001 | 0x0002}; /* POLLIN, POLLPRI: as kernfs for an event file */

	reply(server, in, 0, &out, sizeof out);
}

static void serve_success(Server *server, const struct fuse_in_header *in, const void *argument)
{
	reply(server, in, 0, NULL, 0);
}

static void serve_nothing(Server *server, const struct fuse_in_header *in, const void *argument)
{
}

typedef struct Operation {
	unsigned opcode;
	void (*serve)(Server *server, const struct fuse_in_header *in, const void *argument);
} Operation;

static const Operation operations[] = {
	{FUSE_INIT, serve_init},          {FUSE_LOOKUP, serve_lookup},   {FUSE_GETATTR, serve_getattr},
	{FUSE_SETATTR, serve_getattr},    {FUSE_OPEN, serve_open},       {FUSE_READ, serve_read},
	{FUSE_WRITE, serve_write},        {FUSE_FLUSH, serve_success},   {FUSE_FSYNC, serve_success},
	{FUSE_RELEASE, serve_success},    {FUSE_OPENDIR, serve_opendir}, {FUSE_READDIR, serve_readdir},
	{FUSE_RELEASEDIR, serve_success}, {FUSE_STATFS, serve_statfs},   {FUSE_ACCESS, serve_access},
	{FUSE_POLL, serve_poll},          {FUSE_FORGET, serve_nothing},  {FUSE_BATCH_FORGET, serve_nothing},
	{FUSE_INTERRUPT, serve_nothing},
};

static void serve_request(Server *server, const struct fuse_in_header *in)
{
	if (in->opcode < 64)
		server->log->operations |= G_GUINT64_CONSTANT(1) << in->opcode;
	for (guint i = 0; i < G_N_ELEMENTS(operations); i++) {
		if (operations[i].opcode != in->opcode)
			continue;
		operations[i].serve(server, in, in + 1);
		return;
	}
	reply(server, in, -ENOSYS, NULL, 0);
}

static G_GNUC_NORETURN void serve(Server *server)
{
	g_autofree char *request = g_malloc0(REQUEST_SIZE);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		ssize_t length = read(server->device, request, REQUEST_SIZE - 1);

		if (length < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
			continue;
		if (length < (ssize_t) sizeof(struct fuse_in_header))
			_exit(0);
		request[length] = '\0';
		serve_request(server, (const struct fuse_in_header *) request);
	}
}

static int start_server(FuseTree *tree, FuseTreeFlags flags)
{
	Server server = {.device = tree->device, .flags = flags, .log = tree->log};

	tree->server = fork();
	if (tree->server < 0)
		return -errno;
	if (tree->server == 0)
		serve(&server);
	return 0;
}

static int mount_device(const FuseTree *tree, FuseTreeFlags flags)
{
	g_autofree char *options =
		g_strdup_printf("fd=%d,rootmode=40000,user_id=%u,group_id=%u%s", tree->device, getuid(), getgid(),
				flags & FUSE_TREE_INCOMPLETE ? "" : ",default_permissions");

	return mount("cgemud-probe", tree->path, "fuse", MS_NOSUID | MS_NODEV, options) < 0 ? -errno : 0;
}

int fuse_tree_mount(FuseTree *tree, const char *path, FuseTreeFlags flags)
{
	int r;

	*tree = (FuseTree){.path = g_strdup(path), .server = -1};
	tree->log = mmap(NULL, sizeof *tree->log, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	tree->device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (tree->log == MAP_FAILED || tree->device < 0) {
		r = -errno;
	} else {
		/* Mounted before it is served: a mount that fails leaves no server that waits for ever. */
		r = mount_device(tree, flags);
		if (r == 0)
			r = start_server(tree, flags);
	}
	if (r < 0)
		fuse_tree_unmount(tree);
	return r;
}

void fuse_tree_unmount(FuseTree *tree)
{
	if (tree->device >= 0)
		umount2(tree->path, MNT_DETACH);
	if (tree->server > 0) {
		kill(tree->server, SIGKILL);
		waitpid(tree->server, NULL, 0);
	}
	if (tree->device >= 0)
		close(tree->device);
	if (tree->log != MAP_FAILED)
		munmap(tree->log, sizeof *tree->log);
	g_free(tree->path);
	*tree = (FuseTree){.device = -1, .server = -1, .log = MAP_FAILED};
}

gboolean fuse_tree_received(const FuseTree *tree, unsigned opcode)
{
	return (tree->log->operations & (G_GUINT64_CONSTANT(1) << opcode)) != 0;
}
