#include "deploy/demands.h"

#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "base/version.h"

static int judge_step(const struct offer *offer, const struct demands_machine *machine,
		      struct error *err)
{
	unsigned long long from = offer->requires.from;

	if (!machine->installed || machine->sequence >= from)
		return 0;
	if (machine->sequence == 0 && from > 0)
		return error_set(err, FAULT_CONFIG,
				 "%s can only come over a release of sequence %llu or later; %s, "
				 "which runs, is of no known sequence: install one of those first",
				 offer->version, from, machine->version);
	return error_set(err, FAULT_CONFIG,
			 "%s can only come over a release of sequence %llu or later, and %s has "
			 "%llu: install the one between first, from a file if need be",
			 offer->version, from, machine->version,
			 (unsigned long long)machine->sequence);
}

int demands_judge(const struct offer *offer, const struct demands_machine *machine,
		  struct error *err)
{
	const struct offer_requires *requires = &offer->requires;
	char shown[OFFER_REQUIRES_MAX * 4];

	if (requires->unknown[0])
		return error_set(err, FAULT_CONFIG,
				 "%s requires \"%s\", which this flipslot does not know: install a "
				 "newer flipslot first",
				 offer->version,
				 text_escape(requires->unknown, strlen(requires->unknown), shown,
					     sizeof(shown)));
	if (requires->kernel[0] && version_compare(machine->kernel, requires->kernel) < 0)
		return error_set(err, FAULT_CONFIG, "%s requires Linux %s; this one is %s",
				 offer->version,
				 text_escape(requires->kernel, strlen(requires->kernel), shown,
					     sizeof(shown)),
				 machine->kernel);
	if (requires->memory > machine->memory)
		return error_set(err, FAULT_CONFIG,
				 "%s requires %llu MiB of memory; this machine has %llu",
				 offer->version, (unsigned long long)(requires->memory >> 20),
				 (unsigned long long)(machine->memory >> 20));
	return judge_step(offer, machine, err);
}

int demands_check(const struct offer *offer, const struct descriptor *running, struct error *err)
{
	struct utsname name = {};
	struct sysinfo info = {};

	if (uname(&name) < 0 || sysinfo(&info) < 0)
		return error_errno(err, "looking at the machine");
	return demands_judge(offer,
			     &(struct demands_machine){
				     .kernel = name.release,
				     .memory = (uint64_t)info.totalram * info.mem_unit,
				     .installed = running,
				     .version = running ? running->version : "",
				     .sequence = running ? running->sequence : 0,
			     },
			     err);
}
