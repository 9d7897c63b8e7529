#include "fs/proc/magic.h"

#include <string.h>

typedef struct Magic {
	const char *fstype;
	guint64 magic;
} Magic;

/* Of types that share a number, the one that is meant when only the number is known comes first. */
static const Magic magics[] = {
	{"9p", 0x01021997},        {"autofs", 0x0187},         {"binfmt_misc", 0x42494e4d},
	{"bpf", 0xcafe4a11},       {"btrfs", 0x9123683e},      {"ceph", 0x00c36400},
	{"cgroup", 0x0027e0eb},    {"cpuset", 0x0027e0eb},     {"cgroup2", 0x63677270},
	{"cifs", 0xff534d42},      {"configfs", 0x62656570},   {"cramfs", 0x28cd3d45},
	{"debugfs", 0x64626720},   {"devpts", 0x1cd1},         {"ecryptfs", 0xf15f},
	{"efivarfs", 0xde5e81e4},  {"erofs", 0xe0f5e1e2},      {"exfat", 0x2011bab0},
	{"ext4", 0xef53},          {"ext3", 0xef53},           {"ext2", 0xef53},
	{"f2fs", 0xf2f52010},      {"fuse", 0x65735546},       {"fuseblk", 0x65735546},
	{"virtiofs", 0x65735546},  {"fusectl", 0x65735543},    {"hugetlbfs", 0x958458f6},
	{"iso9660", 0x9660},       {"jffs2", 0x72b6},          {"jfs", 0x3153464a},
	{"mqueue", 0x19800202},    {"msdos", 0x4d44},          {"vfat", 0x4d44},
	{"nfs", 0x6969},           {"nfs4", 0x6969},           {"nfsd", 0x6e667364},
	{"nsfs", 0x6e736673},      {"ntfs3", 0x7366746e},      {"ntfs", 0x5346544e},
	{"overlay", 0x794c7630},   {"pipefs", 0x50495045},     {"proc", 0x9fa0},
	{"pstore", 0x6165676c},    {"ramfs", 0x858458f6},      {"rootfs", 0x858458f6},
	{"reiserfs", 0x52654973},  {"rpc_pipefs", 0x67596969}, {"securityfs", 0x73636673},
	{"selinuxfs", 0xf97cff8c}, {"smackfs", 0x43415d53},    {"smb3", 0xfe534d42},
	{"sockfs", 0x534f434b},    {"squashfs", 0x73717368},   {"sysfs", 0x62656572},
	{"tmpfs", 0x01021994},     {"devtmpfs", 0x01021994},   {"tracefs", 0x74726163},
	{"udf", 0x15013346},       {"vboxsf", 0x786f4256},     {"xfs", 0x58465342},
	{"zfs", 0x2fc12fc1},
};

guint64 magic_of_fstype(const char *fstype)
{
	size_t len = strcspn(fstype, "."); /* a subtype makes no difference */

	for (size_t i = 0; i < G_N_ELEMENTS(magics); i++)
		if (strlen(magics[i].fstype) == len && strncmp(magics[i].fstype, fstype, len) == 0)
			return magics[i].magic;
	return 0;
}

const char *magic_to_fstype(guint64 magic)
{
	for (size_t i = 0; i < G_N_ELEMENTS(magics); i++)
		if (magics[i].magic == magic)
			return magics[i].fstype;
	return NULL;
}
