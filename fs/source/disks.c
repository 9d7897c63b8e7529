#include "fs/source/disks.h"

#include "fs/source/scan.h"

#include <string.h>
#include <unistd.h>

/* diskstats counts in these whatever the device's own sector size is (Documentation/admin-guide/iostats.rst). */
#define SECTOR 512

typedef enum Column {
	READ_OPS,
	READ_MERGES,
	READ_SECTORS,
	READ_MS,
	WRITE_OPS,
	WRITE_MERGES,
	WRITE_SECTORS,
	WRITE_MS,
	IN_FLIGHT,
	BUSY_MS,
	WEIGHTED_MS,
	DISCARD_OPS,
	DISCARD_MERGES,
	DISCARD_SECTORS,
	N_COLUMNS
} Column;

/* Without /sys: a partition is a number behind a letter (sda1), or behind a p that follows a number (nvme0n1p1). */
static gboolean name_is_partition(const char *name)
{
	size_t len = strlen(name), digits = 0;

	while (digits < len && g_ascii_isdigit(name[len - digits - 1]))
		digits++;
	if (digits == 0 || digits == len)
		return FALSE;
	len -= digits;
	if (g_str_has_prefix(name, "nvme") || g_str_has_prefix(name, "mmcblk"))
		return len >= 2 && name[len - 1] == 'p' && g_ascii_isdigit(name[len - 2]);
	return g_str_has_prefix(name, "sd") || g_str_has_prefix(name, "hd") || g_str_has_prefix(name, "vd") ||
	       g_str_has_prefix(name, "xvd");
}

static gboolean is_partition(int sys, const char *name)
{
	g_autofree char *path = NULL;

	if (sys < 0 || faccessat(sys, "block", F_OK, 0) < 0)
		return name_is_partition(name);
	path = g_strconcat("block/", name, NULL);
	g_strdelimit(path + strlen("block/"), "/", '!');
	return faccessat(sys, path, F_OK, 0) < 0;
}

static gboolean is_wanted(int sys, const char *name, const guint64 *columns)
{
	if (g_str_has_prefix(name, "ram"))
		return FALSE;
	if (g_str_has_prefix(name, "loop") && columns[READ_OPS] == 0 && columns[WRITE_OPS] == 0)
		return FALSE;
	return !is_partition(sys, name);
}

static gboolean parse_line(const char *line, int sys, DiskStat *ret)
{
	guint64 major, minor, columns[N_COLUMNS] = {0};
	g_autofree char *name = NULL;
	const char *at = line, *word;
	size_t len;
	int n = 0;

	if (!scan_u64(&at, &major) || !scan_u64(&at, &minor) || !scan_word(&at, &word, &len))
		return FALSE;
	while (n < N_COLUMNS && scan_u64(&at, &columns[n]))
		n++;
	name = g_strndup(word, len);
	if (n <= WRITE_SECTORS || !is_wanted(sys, name, columns))
		return FALSE;
	*ret = (DiskStat){
		.major = (unsigned) major,
		.minor = (unsigned) minor,
		.read_ops = columns[READ_OPS],
		.read_bytes = columns[READ_SECTORS] * SECTOR,
		.write_ops = columns[WRITE_OPS],
		.write_bytes = columns[WRITE_SECTORS] * SECTOR,
		.discard_ops = columns[DISCARD_OPS],
		.discard_bytes = columns[DISCARD_SECTORS] * SECTOR,
	};
	return TRUE;
}

void disks_parse(const char *text, int sys, DiskStat **ret, unsigned *ret_n)
{
	GArray *disks = g_array_new(FALSE, FALSE, sizeof(DiskStat));

	for (const char *line = text; *line; line = scan_next_line(line)) {
		DiskStat disk;

		if (parse_line(line, sys, &disk))
			g_array_append_val(disks, disk);
	}
	*ret_n = disks->len;
	*ret = (DiskStat *) (void *) g_array_free(disks, FALSE);
}
