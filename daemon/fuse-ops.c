/*
 * What a cgroup file system has no such operation for. The kernel would be content with ENOSYS; other kernels hand it
 * to the caller, so each operation answers what the kernel's kernfs gives.
 */
#include "daemon/fuse-private.h"

#include <errno.h>

/* A regular file comes from vfs_create(), which finds no way to make one, everything else from vfs_mknod(). */
static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	fuse_reply_err(req, S_ISREG(mode) ? EACCES : EPERM);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EPERM);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	fuse_reply_err(req, EPERM);
}

/* open(2) with O_CREAT for a name that does not exist. */
static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	fuse_reply_err(req, EACCES);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fuse_reply_err(req, 0);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	fuse_reply_err(req, 0);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	fuse_reply_err(req, EINVAL);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255};

	fuse_reply_statfs(req, &st);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	fuse_reply_err(req, EOPNOTSUPP);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	fuse_reply_err(req, EOPNOTSUPP);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	if (size)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_xattr(req, 0);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	fuse_reply_err(req, EOPNOTSUPP);
}

static void op_bmap(fuse_req_t req, fuse_ino_t ino, size_t blocksize, uint64_t block)
{
	fuse_reply_err(req, EINVAL);
}

static void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg, struct fuse_file_info *fi, unsigned flags,
		     const void *in_buf, size_t in_size, size_t out_size)
{
	fuse_reply_err(req, ENOTTY);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			 struct fuse_file_info *fi)
{
	fuse_reply_err(req, EOPNOTSUPP);
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t offset_in, struct fuse_file_info *fi_in,
			       fuse_ino_t ino_out, off_t offset_out, struct fuse_file_info *fi_out, size_t size,
			       int flags)
{
	fuse_reply_err(req, EXDEV);
}

/* SEEK_DATA and SEEK_HOLE; to the kernel these files are empty. */
static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	fuse_reply_err(req, ENXIO);
}

/* Locks (getlk, setlk, flock) are left out on purpose: then the kernel keeps them itself and never asks. */
const struct fuse_lowlevel_ops fuse_ops = {
	.init = fuse_op_init,
	.lookup = fuse_op_lookup,
	.forget = fuse_op_forget,
	.forget_multi = fuse_op_forget_multi,
	.getattr = fuse_op_getattr,
	.setattr = fuse_op_setattr,
	.readlink = fuse_op_readlink,
	.mknod = op_mknod,
	.mkdir = fuse_op_mkdir,
	.unlink = fuse_op_unlink,
	.rmdir = fuse_op_rmdir,
	.symlink = op_symlink,
	.rename = fuse_op_rename,
	.link = op_link,
	.open = fuse_op_open,
	.read = fuse_op_read,
	.write = fuse_op_write,
	.flush = op_flush,
	.release = fuse_op_release,
	.fsync = op_fsync,
	.opendir = fuse_op_opendir,
	.readdir = fuse_op_readdir,
	.releasedir = fuse_op_release,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.access = fuse_op_access,
	.create = op_create,
	.bmap = op_bmap,
	.ioctl = op_ioctl,
	.poll = fuse_op_poll,
	.fallocate = op_fallocate,
	.readdirplus = fuse_op_readdirplus,
	.copy_file_range = op_copy_file_range,
	.lseek = op_lseek,
};
