/*
 * Streams of the C library, which writes by itself what has been buffered: whether that was taken is asked when a
 * stream is flushed or closed.
 */
#include "daemon/view/preload/library.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>

/* The same as a write that failed leaves. */
static int mark_failed(FILE *stream)
{
	stream->_flags |= _IO_ERR_SEEN;
	return EOF;
}

/* Also of what the C library wrote before: it flushes lines and full buffers by itself. */
static int flush(FILE *stream, int (*next)(FILE *))
{
	int r = next(stream);
	return r == 0 && stream && __fwriting(stream) && library_write_failed(fileno(stream)) ? mark_failed(stream) : r;
}

EXPORT int fflush(FILE *stream)
{
	return flush(stream, NEXT(fflush));
}

EXPORT int fflush_unlocked(FILE *stream)
{
	return flush(stream, NEXT(fflush_unlocked));
}

EXPORT int fclose(FILE *stream)
{
	/* Its descriptor is needed once more. */
	int flushed = __fwriting(stream) ? fflush(stream) : 0, error = errno;
	int r = NEXT(fclose)(stream);
	if (flushed)
		errno = error;
	return flushed ? flushed : r;
}
