# mailweave: one non-recursive Makefile; every folder adds its lines in module.mk.
#   make            all programs           make run     the demo: everything on this machine
#   make test       unit and flow tests    make check   format, layers, sizes, lint, pages
#   make bench      timings as ratios      SAN=asan make test   the same under sanitizers
SHELL := /bin/bash
SAN ?= plain
B := build/$(SAN)
.DEFAULT_GOAL := all

CC ?= gcc
PKGS := libzmq libcurl libuv libmicrohttpd jansson openssl libidn2 libzstd gumbo libseccomp hiredis
DEPS_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Werror=format-security -Werror=implicit-function-declaration
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE
CFLAGS_plain := -O2 -g $(HARDEN)
CFLAGS_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -fPIE
CFLAGS_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread -fPIE
LDFLAGS_plain := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,-z,separate-code
LDFLAGS_asan := -pie -fsanitize=address,undefined
LDFLAGS_tsan := -pie -fsanitize=thread
CFLAGS_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fPIE
LDFLAGS_fuzz := -pie -fsanitize=address,undefined
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -I. -I$(B)/gen $(WARN) $(WERROR) $(CFLAGS_$(SAN)) $(DEPS_CFLAGS) $(CFLAGS)

LIBS :=       # lib<name>.a of common/, in layer order
PROGRAMS :=   # <name>: from <name>/*.c
TESTS :=      # unit test programs
FUZZERS :=    # fuzz targets, built by `make fuzz` alone
CLEAN :=

# library NAME, SOURCES: build/…/lib<name>.a
define library
LIBS += $(B)/lib$(1).a
$(B)/lib$(1).a: $(patsubst %.c,$(B)/%.o,$(2))
	@rm -f $$@
	@ar rcs $$@ $$^
endef

# program NAME, SOURCES, COMMON LIBRARIES (right to left order of layers), SYSTEM LIBRARIES
define program
PROGRAMS += $(B)/$(1)/$(1)
$(B)/$(1)/$(1): $(patsubst %.c,$(B)/%.o,$(2)) $(foreach l,$(3),$(B)/lib$(l).a)
	$$(CC) $$(LDFLAGS_$(SAN)) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $(4)
endef

# unit TEST SOURCE (without .c), MORE SOURCES, COMMON LIBRARIES, SYSTEM LIBRARIES
define unit
TESTS += $(B)/$(1)
$(B)/$(1): $(B)/$(1).o $(patsubst %.c,$(B)/%.o,$(2)) $(foreach l,$(3),$(B)/lib$(l).a)
	$$(CC) $$(LDFLAGS_$(SAN)) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) -lcmocka $(4)
endef

# fuzz TARGET (without .c), MORE SOURCES, COMMON LIBRARIES, SYSTEM LIBRARIES: LLVMFuzzerTestOneInput
define fuzz
FUZZERS += $(B)/$(1)
$(B)/$(1): $(B)/$(1).o $(patsubst %.c,$(B)/%.o,$(2)) $(foreach l,$(3),$(B)/lib$(l).a)
	$$(CC) $$(LDFLAGS_$(SAN)) $$(LDFLAGS) -fsanitize=fuzzer -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $(4)
endef

include $(sort $(wildcard common/*/module.mk)) $(sort $(filter-out common/%,$(wildcard */module.mk)))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A Lua library becomes a C array: NAME.lua + fragments → gen/NAME_lua.h with `static const char NAME_lua[]`.
$(B)/gen/%_lua.h:
	@mkdir -p $(@D)
	scripts/embed $(notdir $*)_lua $^ > $@

.PHONY: all unit clean
all: $(PROGRAMS)
unit: $(TESTS)
	@failed=; for t in $(TESTS); do echo "== $$t"; $$t || failed="$$failed $$t"; done; \
		[ -z "$$failed" ] || { echo "unit: failed:$$failed"; exit 1; }
clean:
	rm -rf build $(CLEAN)

# What needs packages first starts make anew, so that the flags above are those of the installed libraries.
.PHONY: run stop test flow check bench fuzz
JOBS ?= $(shell nproc)
FLOW ?= tests/flow
PYTEST := env PYTHONDONTWRITEBYTECODE=1 MAILWEAVE_BUILD=$(abspath $(B)) MAILWEAVE_SAN=$(SAN) /usr/bin/python3 -m pytest -p no:cacheprovider -o faulthandler_timeout=300

run:
	@scripts/bootstrap
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@scripts/demo up --build $(abspath $(B))
stop:
	@scripts/demo down
test:
	@scripts/bootstrap
	@$(MAKE) --no-print-directory -s -j$(JOBS) all tests-built
	@$(MAKE) --no-print-directory -s unit
	@$(MAKE) --no-print-directory -s flow
flow:
	$(PYTEST) -q -n $(JOBS) --maxprocesses 8 --dist loadfile $(FLOW)
.PHONY: tests-built
tests-built: $(TESTS)
check:
	@scripts/bootstrap
	@$(MAKE) --no-print-directory -s -k -j$(JOBS) all tests-built WERROR=-Werror
	@scripts/check/all $(B)
bench:
	@scripts/bootstrap
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(addprefix $(B)/tests/bench/,raw_fetch delay_link)
	@/usr/bin/python3 tests/bench/bench.py --build $(abspath $(B)) $(BENCH)

# The fetcher by itself: FETCH="--rounds 5".
.PHONY: bench-fetch
bench-fetch:
	@scripts/bootstrap
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(addprefix $(B)/tests/bench/,raw_fetch sink delay_link)
	@/usr/bin/python3 tests/bench/bench.py --fetch-only --build $(abspath $(B)) $(FETCH)
# What one fetcher holds: SCALE="idle --accounts 2000", "messages --messages 1000000 --backfill 200000", "folders --folders 1000".
.PHONY: bench-scale
SCALE ?= folders
bench-scale:
	@scripts/bootstrap
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@/usr/bin/python3 tests/bench/scale.py $(SCALE) --build $(abspath $(B))
$(B)/tests/bench/sink: $(B)/tests/bench/sink.o $(foreach l,stage store bus wire metrics conf base,$(B)/lib$(l).a)
	$(CC) $(LDFLAGS_$(SAN)) $(LDFLAGS) -o $@ $^ -lhiredis -lzmq -lmicrohttpd -lcrypto -lidn2 -lpthread

$(B)/tests/bench/raw_fetch: $(B)/tests/bench/raw_fetch.o $(B)/tests/bench/raw_keep.o
	$(CC) $(LDFLAGS_$(SAN)) $(LDFLAGS) -o $@ $^ -lssl -lcrypto
$(B)/tests/bench/delay_link: $(B)/tests/bench/delay_link.o
	$(CC) $(LDFLAGS_$(SAN)) $(LDFLAGS) -o $@ $^

# Linking as a company grows, and the import of its people: LINK="--people 100000".
.PHONY: bench-link
bench-link:
	@scripts/bootstrap
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(B)/tests/bench/bench_link
	@/usr/bin/python3 tests/bench/bench_link.py --build $(abspath $(B)) $(LINK)

# The parser library beside GMime (libgmime-3.0-dev, wanted by this target alone): PARSE="--messages 2000 --rounds 3".
.PHONY: bench-parse
bench-parse:
	@pkg-config --exists gmime-3.0 || { echo "bench-parse: wants the package libgmime-3.0-dev"; exit 1; }
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(addprefix $(B)/tests/bench/,bench_parse gmime_parse bench_hostile)
	@/usr/bin/python3 tests/bench/bench_parse.py --build $(abspath $(B)) $(PARSE)
	@$(B)/tests/bench/bench_hostile
$(B)/tests/bench/gmime_parse: $(B)/tests/bench/gmime_parse.o $(B)/tests/bench/mail_pack.o
	$(CC) $(LDFLAGS_$(SAN)) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs gmime-3.0) -lcrypto
$(B)/tests/bench/gmime_parse.o: CFLAGS += $(shell pkg-config --cflags gmime-3.0 2>/dev/null)

# The sender beside Postfix's smtp-source (package postfix): SEND="--messages 2000 --rounds 3".
.PHONY: bench-send
bench-send:
	@[ -x /usr/sbin/smtp-sink ] || { echo "bench-send: wants the package postfix"; exit 1; }
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(addprefix $(B)/tests/,flow/outbox bench/smtp_leg)
	@/usr/bin/python3 tests/bench/bench_send.py --build $(abspath $(B)) $(SEND)
$(B)/tests/bench/smtp_leg: $(addprefix $(B)/,tests/bench/smtp_leg.o sender/smtp_conn.o sender/smtp_dialog.o sender/smtp_reply.o) \
	$(foreach l,mailconn base,$(B)/lib$(l).a)
	$(CC) $(LDFLAGS_$(SAN)) $(LDFLAGS) -o $@ $^ -lcurl -lssl -lcrypto -luv -lidn2 -lpthread

# Breaks a whole installation again and again, and proves that nothing was lost: CHAOS="--seed 7 --kills 1000 --torn 200".
.PHONY: chaos
chaos:
	@scripts/bootstrap
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@/usr/bin/python3 tests/chaos/chaos.py --build $(abspath $(B)) $(CHAOS)

# clang's libFuzzer for a few seconds each; what it finds stays in build/fuzz/<target>.found/
FUZZ_SECONDS ?= 10
fuzz:
	@scripts/bootstrap
	@$(MAKE) --no-print-directory -s -j$(JOBS) SAN=fuzz CC=clang fuzz-run
.PHONY: fuzz-run
fuzz-run: $(FUZZERS)
	@set -e; for t in $(FUZZERS); do echo "== $$t"; mkdir -p $$t.corpus $$t.found; \
		$$t -max_total_time=$(FUZZ_SECONDS) -print_final_stats=0 -verbosity=0 -artifact_prefix=$$t.found/ $$t.corpus \
			$$(ls -d $$(echo $$t | sed 's,^$(B)/,,').seeds 2>/dev/null); done

# clang-tidy's verdict on a file stands until the file, one of its headers or .clang-tidy changes.
TIDY := $(patsubst %.c,$(B)/%.tidy,$(filter-out %_test.c %_fuzz.c %_testbed.c tests/bench/gmime_parse.c,$(shell git ls-files '*.c' 2>/dev/null)))
.PHONY: tidy
tidy: $(TIDY)
$(B)/%.tidy: $(B)/%.o .clang-tidy
	clang-tidy --quiet $*.c -- -std=c17 -D_GNU_SOURCE -I. -I$(B)/gen $(DEPS_CFLAGS) 2>&1 | grep -v 'warnings generated' || true; \
		test $${PIPESTATUS[0]} = 0
	@touch $@

-include $(shell find $(B) -name '*.d' 2>/dev/null)
