# flipslot: make, make check, make test, make fuzz, make lint, make demo, make install.
#
#   B=build        where everything is built; builds in different folders do not meet
#   SAN=1          address and undefined-behaviour sanitizers (in B-san); SAN=0: check without them
#   WERROR=        do not stop at warnings
#   V=1            show the commands
#   TARGET=        make fuzz: only these targets; FUZZ_SECONDS=60 how long each
#   FS= SCENARIO= N= STEP= MODE= SEED= JOBS=      what `make crash` and `make faults` try; tests/crash/README.md
#   RUNS= SEED=    how many updates `make campaign` makes
#   PAIR= PEER= ROUNDS= OLD= NEW=     what `make bench` compares; tests/bench/README.md
#   SYSTEM=        only these system tests; SYSTEM_JOBS= how many at once
#   CC= CFLAGS= LDFLAGS= PREFIX= DESTDIR= SYSCONFDIR= STATEDIR= SYSTEMDLIB= UNITDIR=     as everywhere

VERSION := 0.1.0

CC ?= cc
CFLAGS ?= -O2 -g
WERROR ?= -Werror
PREFIX ?= /usr
SYSCONFDIR ?= /etc
STATEDIR ?= /var/lib
# what systemd must find: it looks below these two prefixes, and no other
SYSTEMDLIB ?= $(if $(filter /usr /usr/local,$(PREFIX)),$(PREFIX),/usr/local)/lib
UNITDIR ?= $(SYSTEMDLIB)/systemd/system
SAN ?=
B ?= build$(if $(filter 1,$(SAN)),-san)

# ---- layers: what each may use (of the ones above it), and which libraries (pkg-config names) ----

LAYERS := base store trust release transfer unit install publish deploy app

USES_base     :=
USES_store    := base
USES_trust    := base
USES_release  := base
USES_transfer := base
USES_unit     := base
USES_install  := store release
USES_publish  := store release trust
USES_deploy   := install unit transfer trust store
USES_app      := store trust release transfer unit install publish deploy

LIBS_base     := libcrypto inih
LIBS_store    :=
LIBS_trust    := libcrypto jansson
LIBS_release  := libarchive jansson libzstd liblzma
LIBS_transfer := libcurl libseccomp
LIBS_unit     := libsystemd libcurl libseccomp
LIBS_install  := libzstd
LIBS_publish  := libcrypto jansson libarchive libzstd libdivsufsort
LIBS_deploy   :=
LIBS_app      := libsystemd jansson

# ALL_x: the layers that x may use, closed over the table; PC_x: the same for libraries;
# DEPS_x: their archives in link order, those without a source yet left out.
reverse = $(if $1,$(call reverse,$(wordlist 2,99,$1)) $(firstword $1))
PRESENT := $(foreach l,$(LAYERS),$(if $(wildcard src/$l/*.c),$l))
DOWN := $(call reverse,$(LAYERS))
define layer
ALL_$1 := $(filter $(foreach u,$(USES_$1),$u $(ALL_$u)),$(DOWN))
PC_$1 := $(sort $(LIBS_$1) $(foreach u,$(USES_$1),$(PC_$u)))
SRC_$1 := $(wildcard src/$1/*.c)
TEST_$1 := $(patsubst %.c,%,$(wildcard tests/$1/test-*.c))
DEPS_$1 := $$(patsubst %,$(B)/lib%.a,$$(filter $(PRESENT),$1 $$(ALL_$1)))
endef
$(foreach l,$(LAYERS),$(eval $(call layer,$l)))

# ---- flags; what asks a program is asked once, at first use, since it may not be installed yet ----

WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition \
	-Wformat=2 -Wvla -Wpointer-arith -Wundef -Wwrite-strings -Wimplicit-fallthrough \
	-Wmissing-declarations -Wnested-externs -Wredundant-decls -Wdate-time \
	-Wno-unused-parameter -Wno-missing-field-initializers
HARDEN := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fPIE
ifeq ($(SAN),1)
HARDEN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -fPIE
LDHARDEN := -fsanitize=address,undefined
endif
ifeq ($(SAN),fuzz)
HARDEN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -fPIE
LDHARDEN := -fsanitize=fuzzer,address,undefined
endif
LFS = $(eval LFS := $$(if $$(filter 4,$$(shell echo __SIZEOF_LONG__ | $(CC) -E -P -)),\
	-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64))$(LFS)
BUILD_TIME = $(eval BUILD_TIME := $$(or $$(SOURCE_DATE_EPOCH),$$(shell \
	git log -1 --format=%ct 2>/dev/null || stat -c %Y Makefile)))$(BUILD_TIME)
say = @$(if $V,,echo '  $1	$@';)
cflags = $(shell pkg-config --cflags $1)
libs = $(if $(strip $1),$(or $(shell pkg-config --libs $1),$(error pkg-config: no $1; run scripts/deps)))

CPPFLAGS_ALL = -D_GNU_SOURCE $(LFS) -Iinclude -DFLIPSLOT_VERSION='"$(VERSION)"' \
	-DFLIPSLOT_BUILD_TIME=$(BUILD_TIME) $(CPPFLAGS)
CFLAGS_ALL = -std=gnu17 $(WARN) $(WERROR) $(HARDEN) $(CPPFLAGS_ALL) $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now,--as-needed $(LDHARDEN) $(LDFLAGS)

# ---- build ----

PROGRAM := $(if $(wildcard src/main.c),$(B)/flipslot)
LINKED := $(PRESENT:%=$(B)/link-%)
TESTS := $(foreach l,$(LAYERS),$(TEST_$l))
FAULT_APP := $(if $(wildcard tests/fault-app/fault-app.c),$(B)/fault-app)
CRASH := $(if $(wildcard tests/crash/stop.c),$(B)/crash-stop $(B)/crash-flipslot) \
	$(if $(wildcard tests/without/without.c),$(B)/without-flipslot)
TUF_CLIENT := $(if $(wildcard tests/tuf-conformance/client.c),$(B)/tuf-conformance-client)

.DELETE_ON_ERROR:
.SECONDARY:
all: $(PROGRAM) $(LINKED) $(FAULT_APP)

# What a file was made of, for either name of it: B= may have been given whole or from here.
depends = -MMD -MP -MT $(patsubst $(CURDIR)/%,%,$(abspath $1)) -MT $(abspath $1)

$(B)/src/%.o: src/%.c $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS_ALL) $(call cflags,$(or $(PC_$(patsubst %/,%,$(dir $*))),$(PC_app))) $(call depends,$@) -c $< -o $@

# An archive, and the proof that it needs nothing but what the table above allows: all of it is
# linked with nothing else.
define layer_rules
$(B)/lib$1.a: $(SRC_$1:%.c=$(B)/%.o) src/$1
	@rm -f $$@
	$$(call say,AR)$(AR) rcs $$@ $$(filter %.o,$$^)

$(B)/link-$1: $(DEPS_$1)
	@echo 'int main(void) { return 0; }' | $(CC) $$(LDFLAGS_ALL) -fPIE -o $$@ -x c - -x none \
		-Wl,--whole-archive $(B)/lib$1.a -Wl,--no-whole-archive $$^ $$(call libs,$(PC_$1)) || \
		{ echo "layer $1 uses more than it may: $(or $(ALL_$1),nothing) $(PC_$1)" >&2; exit 1; }

$(TEST_$1:%=$(B)/%): $(B)/tests/$1/test-%: tests/$1/test-%.c $(DEPS_$1) $(MAKEFILE_LIST)
	@mkdir -p $$(@D)
	$$(call say,TEST)$(CC) $$(CFLAGS_ALL) $$(call cflags,cmocka $(PC_$1)) $$(call depends,$$@) -MF $$@.d \
		$$(LDFLAGS_ALL) -o $$@ $$< \
		$$(shell sed -n '1,9s|^/\* LDFLAGS: \(.*\) \*/$$$$|\1|p' $$<) \
		$(DEPS_$1) $$(call libs,cmocka $(PC_$1))

.PHONY: tests-$1 check-$1 lint-$1
tests-$1: $(TEST_$1:%=$(B)/%)
endef
$(foreach l,$(PRESENT),$(eval $(call layer_rules,$l)))

# Libraries that the program loads when it calls them first (src/late.h); tests are linked with them.
LATE := $(patsubst %.c,$(B)/%.o,$(wildcard src/late*.c))
soname = $(or $(shell objdump -p "$$($(CC) -print-file-name=lib$1.so)" | sed -n 's/^ *SONAME *//p'),\
	$(error no lib$1.so; run scripts/deps))
late_flags = -DLATE_CURL='"$(call soname,curl)"' -DLATE_ARCHIVE='"$(call soname,archive)"'
$(LATE): CPPFLAGS_ALL += $(late_flags)
PROGRAM_LIBS = $(call libs,$(filter-out libcurl libarchive,$(PC_app)))

$(B)/flipslot: $(B)/src/main.o $(LATE) $(DEPS_app)
	$(call say,LINK)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PROGRAM_LIBS)

$(B)/fault-app: tests/fault-app/fault-app.c $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS_ALL) $(call cflags,libsystemd) $(call depends,$@) -MF $@.d \
		$(LDFLAGS_ALL) -o $@ $< $(call libs,libsystemd)

$(B)/crash-stop: tests/crash/stop.c $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS_ALL) $(call depends,$@) -MF $@.d $(LDFLAGS_ALL) -o $@ $<

# A durable call is told by where it returns to: so it must be a call, and no jump at the end of a function.
$(B)/src/store/%.o $(B)/src/install/%.o: CFLAGS_ALL += -fno-optimize-sibling-calls

# The program with its durable calls wrapped, so that one of them can be left out; tests/crash/skip.c.
DURABLE := fsync fdatasync syncfs $(addprefix durable_,sync_dir sync_fs replace remove mkdir symlink \
	exchange preallocate overwrite)
$(B)/crash-skip.o: tests/crash/skip.c $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS_ALL) $(call depends,$@) -MF $@.d -c -o $@ $<

$(B)/crash-flipslot: $(B)/src/main.o $(B)/crash-skip.o $(LATE) $(DEPS_app)
	$(call say,LINK)$(CC) $(LDFLAGS_ALL) $(DURABLE:%=-Wl,--wrap=%) -o $@ $^ $(PROGRAM_LIBS)

# The program with what protects it wrapped, so that a scenario can be seen to fail; tests/without/without.c.
PROTECTION := data_restore epoch_bars job_start_and_forget state_store job_wait proof_find exec_goes_through cgroup_find_in_user_managers unit_query \
	cgroup_is_own fstatvfs scrub_slot pieces_new lock_take shipped_reload reverting_reassert rounds_new durable_overwrite unit_reset_failed \
	ask_worker preflight_give_up staging_run layout_current layout_clear_slot sweep_directory init_file_compare retry_decide checked_load vacancy_wait
$(B)/without.o: tests/without/without.c $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS_ALL) $(call cflags,$(PC_app)) $(call depends,$@) -MF $@.d -c -o $@ $<

$(B)/without-flipslot: $(B)/src/main.o $(B)/without.o $(LATE) $(DEPS_app)
	$(call say,LINK)$(CC) $(LDFLAGS_ALL) $(PROTECTION:%=-Wl,--wrap=%) -o $@ $^ $(PROGRAM_LIBS)

$(B)/tuf-conformance-client: tests/tuf-conformance/client.c $(DEPS_trust) $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS_ALL) $(call cflags,libcurl $(PC_trust)) $(call depends,$@) -MF $@.d \
		$(LDFLAGS_ALL) -o $@ $< $(DEPS_trust) $(call libs,libcurl $(PC_trust))

# Fuzz targets may use what deploy may. Seams by a comment, as in tests.
FUZZ := $(patsubst %.c,%,$(wildcard tests/fuzz/fuzz-*.c))
FUZZ_DEPS := $(filter-out $(B)/libdeploy.a,$(DEPS_deploy))

$(FUZZ:%=$(B)/%): $(B)/%: %.c $(FUZZ_DEPS) $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(call say,FUZZ)$(CC) $(CFLAGS_ALL) $(call cflags,$(PC_deploy)) $(call depends,$@) -MF $@.d \
		$(LDFLAGS_ALL) -o $@ $< \
		$(shell sed -n '1,9s|^/\* LDFLAGS: \(.*\) \*/$$|\1|p' $<) \
		$(FUZZ_DEPS) $(call libs,$(PC_deploy))

-include $(wildcard $(B)/*.d $(B)/src/*.d $(B)/src/*/*.d $(B)/tests/*/*.d)

# ---- tests ----
# The unit tests run twice: as they are, and from the sanitizers' build beside this one.

tests: $(TESTS:%=$(B)/%) $(FAULT_APP) $(TUF_CLIENT) $(CRASH)

MAKE_ = $(MAKE) -s --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
TWICE := $(if $(SAN),,1)
UNIT = $(1:%=$(B)/%) $(if $(TWICE),$(1:%=$(B)-san/%))
SYSTEM ?= $(wildcard tests/sandbox/test-sandbox tests/tuf-conformance/test-tuf tests/interop/test-* tests/system/test-* \
	tests/crash/test-* tests/bench/test-*)
# They wait more than they reckon.
SYSTEM_JOBS ?= 3
# What measures times has the machine for itself.
ALONE = $(filter %/test-downtime,$(SYSTEM))
SYSTEM_RUN = $(if $(ALONE),-j 1 -t 600 $(ALONE)) $(if $(filter-out $(ALONE),$(SYSTEM)),-j $(SYSTEM_JOBS) -t 900 $(filter-out $(ALONE),$(SYSTEM)))
export B

check:
	+@$(MAKE_) all tests
	$(if $(TWICE),+@$(MAKE_) B=$(B)-san SAN=1 tests)
	@tests/run -j 2 -t 300 $(call UNIT,$(TESTS))

# One layer alone; what is broken elsewhere does not matter.
$(PRESENT:%=check-%): check-%:
	+@$(MAKE_) $(B)/link-$* tests-$*
	$(if $(TWICE),+@$(MAKE_) B=$(B)-san SAN=1 tests-$*)
	@tests/run -j 2 -t 300 $(call UNIT,$(TEST_$*))

# Built by clang beside the rest; the corpus comes from the program, too.
fuzz-targets: $(PROGRAM)
	+@$(MAKE_) B=$(B)-fuzz SAN=fuzz CC=clang $(FUZZ:%=$(B)-fuzz/%)

fuzz:
	@scripts/deps lint
	+@$(MAKE_) fuzz-targets
	@tests/fuzz/run -s $(or $(FUZZ_SECONDS),60) $(TARGET)

check-system:
	+@$(MAKE_) all $(FAULT_APP) $(TUF_CLIENT) $(CRASH)
	@tests/run $(SYSTEM_RUN)

test:
	@scripts/deps test
	+@$(MAKE_) all tests
	$(if $(TWICE),+@$(MAKE_) B=$(B)-san SAN=1 tests)
	@tests/run -j 2 -t 300 $(call UNIT,$(TESTS)) $(SYSTEM_RUN)

# The power fails before each call in turn; tests/crash/README.md.
crash:
	@scripts/deps test
	+@$(MAKE_) all $(FAULT_APP) $(CRASH)
	@FS="$(FS)" SCENARIO="$(SCENARIO)" N="$(N)" STEP="$(STEP)" MODE="$(MODE)" SEED="$(SEED)" \
		JOBS="$(JOBS)" tests/crash/crash

# Each call in turn fails, or is half done.
faults:
	+@$(MAKE) --no-print-directory crash MODE=fault

# Updates, good and bad, with everything in the way that can be killed; docs/CAMPAIGN.md.
campaign:
	@scripts/deps test
	+@$(MAKE_) all $(FAULT_APP) $(CRASH)
	@RUNS="$(RUNS)" SEED="$(SEED)" tests/crash/campaign

# Each arrow of the phase diagram: who goes along it, and the power cut on it.
crash-arrows:
	@scripts/deps test
	+@$(MAKE_) all $(FAULT_APP) $(CRASH)
	@FS="$(FS)" MODE="$(MODE)" tests/crash/arrows

# Each durable call in turn does nothing: who notices?
crash-control:
	@scripts/deps test
	+@$(MAKE_) all $(FAULT_APP) $(CRASH)
	@FS="$(FS)" SITE="$(SITE)" tests/crash/control

# Side by side with its peers, on trees of npm and Debian; tests/bench/README.md.
bench:
	@scripts/deps bench
	+@$(MAKE_) all $(FAULT_APP)
	@PAIR="$(PAIR)" PEER="$(PEER)" ROUNDS="$(ROUNDS)" OLD="$(OLD)" NEW="$(NEW)" tests/bench/bench

demo:
	@scripts/deps test
	+@$(MAKE_) all $(FAULT_APP)
	@B=$(abspath $(B)) tests/demo/demo

# The accident that all this comes from, without flipslot and with it.
demo-accident:
	@scripts/deps test
	+@$(MAKE_) all $(FAULT_APP)
	@B=$(abspath $(B)) tests/demo/accident

# ---- lint: everything in scripts/lint-*, over everything or over one layer's files ----

lint = for l in scripts/lint-*; do $$l $1 || bad="$$bad $$l"; done; \
	[ -z "$$bad" ] || { echo "findings:$$bad" >&2; exit 1; }

lint:
	@scripts/deps lint
	+@$(MAKE_) all
	@$(call lint)

$(PRESENT:%=lint-%): lint-%:
	+@$(MAKE_) $(B)/lib$*.a
	@$(call lint,src/$* include/$* tests/$*)

# ---- manuals: made of docs/, so that both say the same ----

MANUALS := flipslot.1=CLI flipslot.7=CONCEPTS flipslot-self-update.7=FROM-SELF-UPDATE flipslot.conf.5=CONFIG \
	flipslot-release.5=FORMATS flipslot-publish.7=PUBLISHING
PAGES := $(foreach m,$(MANUALS),$(B)/man/$(firstword $(subst =, ,$m)))

define manual_rule
$(B)/man/$1: docs/$2.md scripts/manual
	@mkdir -p $$(@D)
	$$(call say,MAN)awk -v page=$1 -v date="$$$$(LC_ALL=C date -u -d @$$(BUILD_TIME) '+%B %-d, %Y')" \
		-f scripts/manual docs/$2.md >$$@
endef
$(foreach m,$(MANUALS),$(eval $(call manual_rule,$(firstword $(subst =, ,$m)),$(lastword $(subst =, ,$m)))))

manuals: $(PAGES)

# ---- install ----

BINDIR = $(PREFIX)/bin
DOCDIR = $(PREFIX)/share/doc/flipslot
MANDIR = $(PREFIX)/share/man
UNITS = $(wildcard $(foreach t,service timer path socket target slice,units/*.$t))
USER_UNITS = $(wildcard $(foreach t,service timer path socket target slice,units/user/*.$t))
# each: a file, where it goes
INSTALLED = $(foreach f,$(UNITS),$f:$(UNITDIR)/$(notdir $f)) \
	$(foreach f,$(wildcard units/*.d/*.conf),$f:$(UNITDIR)/$(patsubst units/%,%,$f)) \
	$(foreach f,$(USER_UNITS),$f:$(SYSTEMDLIB)/systemd/user/$(notdir $f)) \
	$(foreach f,$(wildcard units/catalog/*.catalog),$f:$(SYSTEMDLIB)/systemd/catalog/$(notdir $f)) \
	$(patsubst %,%:$(SYSTEMDLIB)/sysusers.d/flipslot.conf,$(wildcard slots-layout/flipslot.sysusers)) \
	$(patsubst %,%:$(SYSTEMDLIB)/tmpfiles.d/flipslot.conf,$(wildcard slots-layout/flipslot.tmpfiles)) \
	$(foreach f,$(wildcard README.md LICENSE docs/*.md),$f:$(DOCDIR)/$(notdir $f)) \
	$(foreach f,$(wildcard docs/examples/*.conf),$f:$(DOCDIR)/examples/$(notdir $f)) \
	$(foreach f,$(PAGES),$f:$(MANDIR)/man$(subst .,,$(suffix $f))/$(notdir $f)) \
	$(foreach f,$(wildcard monitoring/*.yml monitoring/*.json),$f:$(PREFIX)/share/flipslot/$(notdir $f)) \
	scripts/completion.bash:$(PREFIX)/share/bash-completion/completions/flipslot \
	scripts/completion.zsh:$(PREFIX)/share/zsh/vendor-completions/_flipslot

install: all manuals
	install -d $(DESTDIR)$(SYSCONFDIR)/flipslot $(DESTDIR)$(STATEDIR)/flipslot
	install -D -m 755 $(B)/flipslot $(DESTDIR)$(BINDIR)/flipslot
	install -D -m 755 $(FAULT_APP) $(DESTDIR)$(PREFIX)/lib/flipslot/fault-app
	@set -e; for f in $(INSTALLED); do \
		from=$${f%%:*}; to=$(DESTDIR)$${f#*:}; echo "install $$from -> $$to"; \
		mkdir -p "$${to%/*}"; sed -e 's,@BINDIR@,$(BINDIR),g' \
			-e 's,@DOCDIR@,$(DOCDIR),g' "$$from" >"$$to"; chmod 644 "$$to"; done

uninstall: # configuration and slots stay
	rm -f $(DESTDIR)$(BINDIR)/flipslot $(DESTDIR)$(PREFIX)/lib/flipslot/fault-app $(foreach f,$(INSTALLED),$(DESTDIR)$(lastword $(subst :, ,$f)))

deb: all manuals
	@scripts/deps deb
	@scripts/deb $(B) $(VERSION)

deps:
	@scripts/deps all

print-layers:
	@$(foreach l,$(LAYERS),echo '$l: $(ALL_$l)';)

print-cflags: # quoted for a shell
	@$(info $(CFLAGS_ALL) $(late_flags) $(call cflags,cmocka $(PC_app))):

clean:
	rm -rf $(B) $(B)-san $(B)-fuzz

.PHONY: bench all manuals deb tests check check-system test crash faults campaign crash-arrows crash-control fuzz fuzz-targets demo demo-accident lint install uninstall deps print-layers \
	print-cflags clean
