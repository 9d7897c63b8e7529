#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/serve-private.h"
#include "fs/cgroup/enforce.h"

static char *join(GPtrArray *names)
{
	g_ptr_array_add(names, NULL);
	return g_strjoinv(", ", (char **) names->pdata);
}

/* Readers take fs->config without a lock, and may still use the one before: it is kept until the next reload. */
static void swap_config(Server *server, Config *config)
{
	config_free(server->old_config);
	server->old_config = server->own_config;
	server->own_config = server->config = config;
	g_rw_lock_writer_lock(&server->fs->lock);
	server->fs->config = config;
	g_rw_lock_writer_unlock(&server->fs->lock);
	sampler_set_max_age(server->fs->sampler, (unsigned) config_int(config, "sampler", "interval-ms"));
	log_configure(config, server->options->verbose);
	enforce_reconfigure(server->fs);
}

static void apply(Server *server, Config *config)
{
	GPtrArray *live = NULL, *fixed = NULL;
	g_autofree char *live_names = NULL, *fixed_names = NULL;
	guint n_live, n_fixed;

	config_diff(server->config, config, &live, &fixed);
	n_live = live->len;
	n_fixed = fixed->len;
	live_names = join(live);
	fixed_names = join(fixed);
	g_ptr_array_unref(live);
	g_ptr_array_unref(fixed);
	config_keep_fixed(config, server->config);
	swap_config(server, config);
	if (n_fixed)
		g_warning("reload: %s cannot change while cgemud runs; restart it for that", fixed_names);
	g_message("configuration read again: %s", n_live ? live_names : "nothing that can change has changed");
}

void serve_reload(Server *server)
{
	const char *const *set = (const char *const *) server->options->set;
	g_autoptr(GError) error = NULL;
	Config *config;

	notify_reloading();
	config = config_load(server->options->config, set, &error);
	if (config)
		apply(server, config);
	else
		g_warning("the configuration stays as it was: %s", error->message);
	notify_ready("serving");
}
