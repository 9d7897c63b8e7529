#include "daemon/notify.h"

#include "build-features.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>

typedef struct Watchdog {
	void (*alive)(void *data);
	void *data;
} Watchdog;

void notify_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void notify_reloading(void)
{
	/* The time that a successor needs to start counts from here. */
	sd_notifyf(0, "RELOADING=1\nWATCHDOG=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time());
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

static gboolean ping(gpointer data)
{
	Watchdog *watchdog = data;

	watchdog->alive(watchdog->data);
	sd_notify(0, "WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

void notify_start_watchdog(void (*alive)(void *data), void *data)
{
	guint64 interval = 0;
	Watchdog *watchdog;

	if (sd_watchdog_enabled(0, &interval) <= 0 || interval < 4000)
		return;
	watchdog = g_new(Watchdog, 1);
	*watchdog = (Watchdog){alive, data};
	/* The predecessor's last sign of life may be old. */
	ping(watchdog);
	g_timeout_add_full(G_PRIORITY_DEFAULT, (guint) (interval / 4000), ping, watchdog, g_free);
}
#else
void notify_ready(const char *status)
{
}

void notify_reloading(void)
{
}

void notify_stopping(void)
{
}

void notify_start_watchdog(void (*alive)(void *data), void *data)
{
}
#endif
