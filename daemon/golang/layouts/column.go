// SPDX-License-Identifier: GPL-2.0-only OR MIT

// column.go BINARY GOROOT: where the fields of the runtime's structs lie in a program, from its DWARF, and which funcID its
// Go gives to wrappers, from the Go's own source. One "member offset" line for each member of struct go_layout, "-" for
// what this Go does not have.
//
// column.go -functions BINARY NAME...: "NAME START END" of functions, in hex, also of a stripped program.
package main

import (
	"debug/dwarf"
	"debug/elf"
	"debug/gosym"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Path "" is the size of the struct; of several, the first that there is.
var fields = []struct{ member, typ, path string }{
	{"g.stack_lo", "g", "stack.lo"},
	{"g.stack_hi", "g", "stack.hi"},
	{"g.panic", "g", "_panic"},
	{"g.defer", "g", "_defer"},
	{"g.m", "g", "m"},
	{"g.sched_sp", "g", "sched.sp"},
	{"g.sched_pc", "g", "sched.pc"},
	{"g.sched_bp", "g", "sched.bp"},
	{"g.syscallsp", "g", "syscallsp"},
	{"g.syscallpc", "g", "syscallpc"},
	{"g.atomicstatus", "g", "atomicstatus"},
	{"g.goid", "g", "goid"},
	{"g.waitsince", "g", "waitsince"},
	{"g.waitreason", "g", "waitreason"},
	{"g.tracking_seq", "g", "trackingSeq"},
	{"g.sigcode0", "g", "sigcode0"},
	{"g.sigcode1", "g", "sigcode1"},
	{"g.parent_goid", "g", "parentGoid"},
	{"g.gopc", "g", "gopc"},
	{"g.startpc", "g", "startpc"},
	{"g.waiting", "g", "waiting"},
	{"m.curg", "m", "curg"},
	{"defer.rangefunc", "_defer", "rangefunc"},
	{"defer.open_defer", "_defer", "openDefer"},
	{"defer.sp", "_defer", "sp"},
	{"defer.pc", "_defer", "pc"},
	{"defer.fn", "_defer", "fn"},
	{"defer.link", "_defer", "link"},
	{"defer.head", "_defer", "head"},
	{"panic.size", "_panic", ""},
	{"panic.arg", "_panic", "arg"},
	{"panic.link", "_panic", "link"},
	{"panic.sp", "_panic", "sp"},
	{"panic.start_sp", "_panic", "startSP"},
	{"panic.retpc", "_panic", "retpc"},
	{"panic.recovered", "_panic", "recovered"},
	{"panic.goexit", "_panic", "goexit"},
	{"sudog.elem", "sudog", "elem.vu|elem"}, // of the two words of Go 1.26, the address
	{"sudog.waitlink", "sudog", "waitlink"},
	{"sudog.c", "sudog", "c.vu|c.maybeTraceablePtr.vu|c"},
	{"moduledata.types", "moduledata", "types"},
	{"moduledata.etypes", "moduledata", "etypes"},
	{"moduledata.rodata", "moduledata", "rodata"},
	{"moduledata.gofunc", "moduledata", "gofunc"},
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "column.go: "+format+"\n", args...)
	os.Exit(1)
}

func structs(f *elf.File) map[string]*dwarf.StructType {
	d, err := f.DWARF()
	if err != nil {
		fail("%v", err)
	}
	wanted := map[string]bool{}
	for _, f := range fields {
		wanted["runtime."+f.typ] = true
	}
	found := map[string]*dwarf.StructType{}
	r := d.Reader()
	for {
		e, err := r.Next()
		if err != nil {
			fail("%v", err)
		}
		if e == nil {
			return found
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		if e.Tag != dwarf.TagStructType || !wanted[name] {
			continue
		}
		t, err := d.Type(e.Offset)
		if err != nil {
			fail("%s: %v", name, err)
		}
		found[strings.TrimPrefix(name, "runtime.")] = t.(*dwarf.StructType)
	}
}

func offset(t *dwarf.StructType, path string) (int64, bool) {
	if path == "" {
		return t.ByteSize, true
	}
	first, rest, nested := strings.Cut(path, ".")
	for _, f := range t.Field {
		if f.Name != first {
			continue
		}
		if !nested {
			return f.ByteOffset, true
		}
		inner := f.Type
		for {
			typedef, ok := inner.(*dwarf.TypedefType)
			if !ok {
				break
			}
			inner = typedef.Type
		}
		within, ok := inner.(*dwarf.StructType)
		if !ok {
			return 0, false
		}
		off, ok := offset(within, rest)
		return f.ByteOffset + off, ok
	}
	return 0, false
}

var sources = []string{"internal/abi/symtab.go", "internal/abi/funcid.go", "runtime/symtab.go"}
var constant = regexp.MustCompile(`(?m)^\t[fF]uncID_?(\w+)`)

// The constants of funcIDs are numbered from 0 in one block, without a gap.
func wrapperID(goroot string) int {
	for _, source := range sources {
		text, err := os.ReadFile(filepath.Join(goroot, "src", source))
		if err != nil {
			continue
		}
		n := -1
		for _, m := range constant.FindAllStringSubmatch(string(text), -1) {
			name := strings.ToLower(m[1])
			if name == "normal" {
				n = 0
			} else if n >= 0 {
				n++
			}
			if name == "wrapper" {
				return n
			}
		}
	}
	fail("no funcID of wrappers below %s", goroot)
	return 0
}

func functions(f *elf.File, names []string) {
	s, text := f.Section(".gopclntab"), f.Section(".text")
	if s == nil || text == nil {
		fail("no function table")
	}
	data, err := s.Data()
	if err != nil {
		fail("%v", err)
	}
	t, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		fail("%v", err)
	}
	for _, name := range names {
		if fn := t.LookupFunc(name); fn != nil {
			fmt.Printf("%s %#x %#x\n", name, fn.Entry, fn.End)
		}
	}
}

func main() {
	if len(os.Args) < 3 {
		fail("usage: column.go BINARY GOROOT | -functions BINARY NAME...")
	}
	path := os.Args[1]
	if path == "-functions" {
		path = os.Args[2]
	}
	f, err := elf.Open(path)
	if err != nil {
		fail("%v", err)
	}
	if os.Args[1] == "-functions" {
		functions(f, os.Args[3:])
		return
	}
	types := structs(f)
	for _, field := range fields {
		t := types[field.typ]
		if t == nil {
			fail("no runtime.%s in %s", field.typ, path)
		}
		text := "-"
		for _, path := range strings.Split(field.path, "|") {
			if off, ok := offset(t, path); ok {
				text = fmt.Sprint(off)
				break
			}
		}
		fmt.Printf("%s %s\n", field.member, text)
	}
	fmt.Printf("wrapper_id %d\n", wrapperID(os.Args[2]))
}
