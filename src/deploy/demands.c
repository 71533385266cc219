#include "deploy/demands.h"

#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "base/bulk.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/version.h"
#include "deploy/host.h"

#define MEMORY_BASE   (8ULL << 20) /* bytes, whatever the release: the worker, the helper */
#define MEMORY_WINDOW (4ULL << 20) /* and twice that of its bytes: a window, blocks */
#define MEMORY_ENTRY \
	1024 /* and for each file: both indexes, and the seal that is made, up to BULK_OWN if files can have the rest */

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

static int judge_kernel(const struct offer *offer, const struct demands_machine *machine,
			struct error *err)
{
	const struct offer_requires *requires = &offer->requires;
	char shown[OFFER_REQUIRES_MAX * 4];

	if (!requires->kernel[0] || version_compare(machine->kernel, requires->kernel) >= 0)
		return 0;
	return error_set(err, FAULT_CONFIG, "%s requires Linux %s; this one is %s", offer->version,
			 text_escape(requires->kernel, strlen(requires->kernel), shown,
				     sizeof(shown)),
			 machine->kernel);
}

static int judge_memory(const struct offer *offer, const struct demands_machine *machine,
			struct error *err)
{
	if (offer->requires.memory <= machine->memory)
		return 0;
	return error_set(err, FAULT_CONFIG, "%s requires %llu MiB of memory; this machine has %llu",
			 offer->version, (unsigned long long)(offer->requires.memory >> 20),
			 (unsigned long long)(machine->memory >> 20));
}

uint64_t demands_memory(uint64_t files, uint64_t bytes, bool spills)
{
	uint64_t window = bytes < MEMORY_WINDOW ? bytes : MEMORY_WINDOW;
	uint64_t entries = files * MEMORY_ENTRY;

	if (spills && entries > BULK_OWN)
		entries = BULK_OWN;
	return MEMORY_BASE + 2 * window + entries;
}

/* Better said now than killed in the middle, again and again. */
static int judge_available(const struct offer *offer, const struct demands_machine *machine,
			   struct error *err)
{
	uint64_t needed = demands_memory(offer->files, offer->bytes, machine->spills);

	if (needed <= machine->available)
		return 0;
	return error_set(err, FAULT_CONFIG,
			 "%s has %llu entries, for which %llu MiB of memory must be free; %llu are "
			 "(MemAvailable, or MemoryMax= of the worker)",
			 offer->version, (unsigned long long)offer->files,
			 (unsigned long long)(needed >> 20),
			 (unsigned long long)(machine->available >> 20));
}

static int judge_glibc(const struct offer *offer, const struct demands_machine *machine,
		       struct error *err)
{
	const struct offer_requires *requires = &offer->requires;
	char shown[OFFER_REQUIRES_MAX * 4];

	if (!requires->glibc[0] ||
	    (machine->glibc[0] && version_compare(machine->glibc, requires->glibc) >= 0))
		return 0;
	return error_set(err, FAULT_CONFIG, "%s requires glibc %s; this one is %s", offer->version,
			 text_escape(requires->glibc, strlen(requires->glibc), shown,
				     sizeof(shown)),
			 machine->glibc[0] ? machine->glibc : "another C library");
}

static int judge_os(const struct offer *offer, const struct demands_machine *machine,
		    struct error *err)
{
	const char *os = offer->requires.os;
	size_t size = strcspn(os, ":");
	char shown[OFFER_REQUIRES_MAX * 4];

	if (!os[0])
		return 0;
	if (strlen(machine->os_id) == size && strncmp(machine->os_id, os, size) == 0 &&
	    (!os[size] || version_compare(machine->os_version, os + size + 1) >= 0))
		return 0;
	return error_set(err, FAULT_CONFIG, "%s requires %s; this is %s:%s (/etc/os-release)",
			 offer->version, text_escape(os, strlen(os), shown, sizeof(shown)),
			 machine->os_id, machine->os_version);
}

/* Names those of the list that are not there. */
static int judge_names(const struct offer *offer, const char *what, const char *names,
		       bool (*has)(const char *name), struct error *err)
{
	char missing[OFFER_NAMES_MAX] = "", name[OFFER_NAMES_MAX], shown[OFFER_NAMES_MAX * 2];
	size_t at = 0;

	while (*(names += strspn(names, " "))) {
		size_t size = strcspn(names, " ");

		(void)snprintf(name, sizeof(name), "%.*s", (int)size, names);
		if (!has(name))
			at += (size_t)snprintf(missing + at, sizeof(missing) - at, "%s%s",
					       at > 0 ? " " : "", name);
		names += size;
	}
	if (!missing[0])
		return 0;
	return error_set(err, FAULT_CONFIG, "%s requires %s that this machine lacks: %s",
			 offer->version, what,
			 text_escape(missing, strlen(missing), shown, sizeof(shown)));
}

static int judge_libraries(const struct offer *offer, const struct demands_machine *machine,
			   struct error *err)
{
	return judge_names(offer, "libraries", offer->requires.libraries, machine->has_library,
			   err);
}

static int judge_commands(const struct offer *offer, const struct demands_machine *machine,
			  struct error *err)
{
	return judge_names(offer, "commands", offer->requires.commands, machine->has_command, err);
}

static int judge_unknown(const struct offer *offer, struct error *err)
{
	const char *unknown = offer->requires.unknown;
	char shown[OFFER_REQUIRES_MAX * 4];

	return error_set(err, FAULT_CONFIG,
			 "%s requires \"%s\", which this flipslot does not know: install a newer "
			 "flipslot first",
			 offer->version,
			 text_escape(unknown, strlen(unknown), shown, sizeof(shown)));
}

int demands_judge(const struct offer *offer, const struct demands_machine *machine,
		  struct error *err)
{
	static int (*const judges[])(const struct offer *offer,
				     const struct demands_machine *machine, struct error *err) = {
		judge_kernel, judge_memory, judge_available, judge_glibc,
		judge_os,     judge_step,   judge_libraries, judge_commands,
	};
	char all[ERROR_TEXT_MAX] = "";
	size_t at = 0;

	if (offer->requires.unknown[0])
		return judge_unknown(offer, err);
	for (size_t i = 0; i < ARRAY_SIZE(judges); i++) {
		struct error one = {};

		if (judges[i](offer, machine, &one) == 0 || at >= sizeof(all))
			continue;
		at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", at > 0 ? "; " : "",
				       one.text);
	}
	return all[0] ? error_set(err, FAULT_CONFIG, "%s", all) : 0;
}

int demands_check(const struct offer *offer, const struct descriptor *running, bool built,
		  struct error *err)
{
	struct utsname name = {};
	struct sysinfo info = {};
	char os_id[64], os_version[64];

	host_os(HOST_OS_FILE, os_id, sizeof(os_id), os_version, sizeof(os_version));
	if (uname(&name) < 0 || sysinfo(&info) < 0)
		return error_errno(err, "looking at the machine");
	return demands_judge(offer,
			     &(struct demands_machine){
				     .kernel = name.release,
				     .memory = (uint64_t)info.totalram * info.mem_unit,
				     .available = built ? UINT64_MAX : host_available(),
				     .spills = bulk_has_files(),
				     .installed = running,
				     .version = running ? running->version : "",
				     .sequence = running ? running->sequence : 0,
				     .glibc = host_glibc(),
				     .os_id = os_id,
				     .os_version = os_version,
				     .has_library = host_has_library,
				     .has_command = host_has_command,
			     },
			     err);
}
