# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# make            build/deferd            make check      unit, golden and fuzz-corpus tests (no root)
# make live       tests that attach       make vm         the same on Debian's 6.1 and 6.12 kernels
# make bench      what we cost            make graph      who includes whom, by folder
# make fuzz       libFuzzer for FUZZ_SECONDS (60) a driver; a part of make check
# make install    DESTDIR= PREFIX=/usr    make clean
# V=1 shows the commands, SAN=1 builds with address and undefined-behaviour sanitizers (into build/san).

SHELL := /bin/bash
O ?= build$(if $(SAN),/san)
CC ?= cc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= /lib/systemd/system
SYSCONFDIR ?= /etc
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

ifeq ($(V),)
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)';
else
say =
endif

ARCH := $(shell uname -m)
BPF_ARCH := $(ARCH:x86_64=x86)
BPF_ARCH := $(BPF_ARCH:aarch64=arm64)
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef \
	-Wno-unused-parameter -Wno-missing-field-initializers
CFLAGS ?= -O2 -g
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
comma := ,
SANFLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-omit-frame-pointer -U_FORTIFY_SOURCE)
override CFLAGS += -std=gnu11 $(WARN) $(HARDEN) $(SANFLAGS) -D_GNU_SOURCE -Idaemon -Iinclude -I$(O) -MMD -MP
LIBS := -lbpf -lelf -ldw -lz -lmicrohttpd -lyaml -lncursesw -ltinfo -ljansson -lcap-ng -lseccomp -lcrypt -lZydis -lm -lpthread
# The sanitizers define crypt_r() themselves, on top of a libcrypt that --as-needed would then leave out.
LDFLAGS += -pie -Wl,-z,relro,-z,now $(if $(SAN),,-Wl$(comma)--as-needed) $(SANFLAGS)

SRC := $(sort $(wildcard daemon/*/*.c))
OBJ := $(SRC:%.c=$(O)/%.o)
BPF_SRC := $(filter-out bpf/calib.bpf.c bpf/fditer.bpf.c,$(sort $(wildcard bpf/*.bpf.c)))
BPF_OBJ := $(BPF_SRC:%.c=$(O)/%.o)
BPF_CFLAGS := -O2 -g -Wall -Wextra -Wno-unused-parameter -Wno-missing-declarations -target bpf -mcpu=v3 \
	-D__TARGET_ARCH_$(BPF_ARCH) $(if $(MULTIARCH),-idirafter /usr/include/$(MULTIARCH)) -Iinclude -Ibpf
SKEL := $(O)/deferd.skel.h $(O)/calib.skel.h $(O)/fditer.skel.h

UNIT_SRC := $(sort $(wildcard tests/unit/*/*_test.c))
UNIT := $(UNIT_SRC:%.c=$(O)/%)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/*_fuzz.c))
FUZZ := $(FUZZ_SRC:%.c=$(O)/%)
# What live tests need beside the program itself.
LIVE_SRC := $(sort $(wildcard tests/live/*.c))
LIVE := $(LIVE_SRC:%.c=$(O)/%)
BENCH_SRC := $(sort $(wildcard tests/bench/*_bench.c))
BENCH := $(BENCH_SRC:%.c=$(O)/%)

.PHONY: all check check-all unit live vm bench fuzz graph install clean format FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(O)/deferd

$(O)/deferd: $(O)/daemon/main.o $(O)/libdeferd.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(O)/libdeferd.a: $(OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/daemon/%.o: daemon/%.c | $(SKEL)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

$(O)/daemon/base/version.o: override CFLAGS += -DDEFERD_VERSION='"$(VERSION)"' -DDEFERD_REVISION='"$(REVISION)"'
$(O)/daemon/base/version.o: $(O)/version.stamp
$(O)/version.stamp: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(REVISION)' | cmp -s - $@ || echo '$(VERSION) $(REVISION)' >$@

$(O)/bpf/%.o: bpf/%.c
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/deferd.bpf.o: $(BPF_OBJ)
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

# Loaded alone.
$(O)/calib.bpf.o $(O)/fditer.bpf.o: $(O)/%.bpf.o: $(O)/bpf/%.bpf.o
	$(Q)$(BPFTOOL) gen object $@ $<

$(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

# Unit tests: one TAP program a file, linked with everything but main.
$(O)/tests/%: tests/%.c $(O)/libdeferd.a
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS) -Itests/lib $(LDFLAGS) -o $@ $< $(O)/libdeferd.a -lcmocka $(LIBS)

unit: $(UNIT) $(FUZZ) $(LIVE)

check: all unit
	tests/check.sh $(O)

live: all $(LIVE)
	tests/live.sh $(O)

vm: all
	tests/vm.sh $(O)

check-all: export DEFERD_MATRIX := all
check-all: export REAL_SECONDS := 60
check-all: export KILLS := 100
check-all: export RELOADS := 1000
check-all: export STOPPED_SECONDS := 60
check-all: export EXEC_SECONDS := 300
check-all: export VM_ALL := 1
check-all: export STORM_ROUNDS := 20000
check-all: export QUIET_SECONDS := 1800
check-all: export FUZZ_ROUNDS := 400000
check-all: check live vm

bench: all $(BENCH)
	tests/bench/run.sh $(O)

fuzz: $(FUZZ)
	BUILD=$(abspath $(O)) tests/fuzz/libfuzzer.t

graph:
	@tests/lib/include-graph.sh

install: all
	install -Dm755 $(O)/deferd $(DESTDIR)$(SBINDIR)/deferd
	install -Dm644 deploy/systemd/deferd.service $(DESTDIR)$(UNITDIR)/deferd.service
	install -Dm644 deploy/systemd/deferd.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/deferd.conf
	install -Dm640 deploy/examples/deferd.yml $(DESTDIR)$(SYSCONFDIR)/deferd/deferd.yml
	install -Dm644 include/deferd/defer.h $(DESTDIR)$(PREFIX)/include/deferd/defer.h
	install -d $(DESTDIR)$(SYSCONFDIR)/deferd/rules.d
	install -Dm644 deploy/completion/deferd.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/deferd
	set -e; for m in deploy/man/*.[1-8]; do install -Dm644 $$m $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/}; done

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build

-include $(shell find $(O) -type f -name '*.d' 2>/dev/null)
