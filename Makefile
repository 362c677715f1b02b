# mailweave: one non-recursive Makefile; every folder adds its lines in module.mk.
#   make            all programs           make run     the demo: everything on this machine
#   make test       unit and flow tests    make check   format, layers, sizes, lint, pages
#   make bench      timings as ratios      SAN=asan make test   the same under sanitizers
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
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -I. -I$(B)/gen $(WARN) $(WERROR) $(CFLAGS_$(SAN)) $(DEPS_CFLAGS) $(CFLAGS)

LIBS :=       # lib<name>.a of common/, in layer order
PROGRAMS :=   # <name>: from <name>/*.c
TESTS :=      # unit test programs
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
	@set -e; for t in $(TESTS); do echo "== $$t"; $$t; done
clean:
	rm -rf build $(CLEAN)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
