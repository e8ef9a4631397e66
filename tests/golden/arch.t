#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What knows the machine stands in daemon/arch/ and in bpf/arch_NAME.bpf.h: a port is new files there.
cd "$(dirname "$0")/../.." || exit 1
words='R_X86_64|EM_X86_64|__x86_64__|__x64_sys|\bINT3\b|Zydis|__asm__ *\(|\b(rax|rbx|rcx|rdx|rsi|rdi|rsp|rbp|r1[0-5]|orig_rax|eflags)\b'
echo 1..2
met=$(grep -nE "$words" $(git ls-files 'daemon/*.[ch]' | grep -v '^daemon/arch/') | grep -vE '^[^:]*:[0-9]*:([ 	]*\*|.*/\*.*\*/$)') && printf 'not '
echo "ok 1 - no register, instruction or relocation of x86 outside of daemon/arch/"
[ -z "$met" ] || sed 's/^/# /' <<<"$met"
met=$(grep -nE "$words" $(git ls-files 'bpf/*.[ch]' | grep -v '^bpf/arch_') | grep -vE '^[^:]*:[0-9]*:([ 	]*\*|.*/\*.*\*/$)') && printf 'not '
echo "ok 2 - no register or system call of x86 outside of bpf/arch_x86.bpf.h"
[ -z "$met" ] || sed 's/^/# /' <<<"$met"
