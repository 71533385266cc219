#include "deploy/imposter.h"

#include <string.h>

#include "base/text.h"
#include "unit/holder.h"
#include "unit/probe-port.h"
#include "unit/proof.h"

static bool runs_old_code(const struct imposter_look *look, const struct occupant *holder)
{
	return holder->own && proof_uses(holder->pid, look->other_path, true) &&
	       !proof_uses(holder->pid, look->slot_path, true);
}

/* Units of AlsoRestart= are the release's, too. */
static bool is_of_sibling(const struct imposter_look *look, const struct occupant *holder)
{
	for (char **name = look->options->siblings; name && *name; name++)
		if (strcmp(*name, holder->service) == 0)
			return true;
	return false;
}

static bool has_sibling(const struct imposter_look *look, const struct occupants *holders)
{
	for (size_t i = 0; i < holders->n; i++)
		if (is_of_sibling(look, &holders->list[i]))
			return true;
	return false;
}

static bool was_ours(const struct imposter_look *look, uint16_t port)
{
	return look->before && ports_has(look->before, port);
}

static int look_at_port(const struct imposter_look *look, const char *probe, uint16_t port,
			char *ret_why, size_t room, struct error *err)
{
	const struct occupant *old = NULL;
	struct occupants holders;
	char who[160];
	int r = holder_find(look->unit, port, PORTS_MACHINE, &holders, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < holders.n_ours; i++) {
		if (!runs_old_code(look, &holders.list[i]))
			return 0;
		old = &holders.list[i];
	}
	if (holders.n == 0 || (!old && !was_ours(look, port)) || has_sibling(look, &holders))
		return 0;
	holder_describe(old ? old : &holders.list[0], who, sizeof(who));
	(void)text_print(ret_why, room,
			 "probe %.60s is not answered by it: port %u is held by %s%s", probe, port,
			 who, old ? ", which was left behind and runs the code of before" : "");
	return IMPOSTER_FOUND;
}

int imposter_find(const struct imposter_look *look, char *ret_why, size_t room, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < look->options->n_probes; i++) {
		const struct probe_options *probe = &look->options->probes[i];
		uint16_t port = probe_port(probe);

		if (port > 0 && probe->required && !probe->external)
			r = look_at_port(look, probe->name, port, ret_why, room, err);
	}
	return r;
}
