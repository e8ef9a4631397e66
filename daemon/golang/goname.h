/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Names of functions as the linker stores them, printed as Go programmers write them. Pure. */
#ifndef DEFERD_GOLANG_GONAME_H
#define DEFERD_GOLANG_GONAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Print `raw` into buf[size]; always terminated; cut at the end, between characters, when it does
 * not fit:
 *
 *	gopkg.in/yaml%2ev3.(*decoder).unmarshal          gopkg.in/yaml.v3.(*decoder).unmarshal
 *	main.(*Stack[go.shape.int]).Push                 main.(*Stack[...]).Push
 *	vendor/golang.org/x/net/http2/hpack.NewDecoder   golang.org/x/net/http2/hpack.NewDecoder
 *	example.com/a/vendor/example.com/b.F             example.com/b.F
 *	runtime.goexit.abi0                              runtime.goexit
 *
 * Closures (main.f.func1), method values (main.(*T).M-fm) and range-over-func bodies
 * (main.f-range1) are written so in Go's own tracebacks, and stay. Bytes are passed on: the name is
 * a stranger's. Returns the length printed; 0 and nothing written when size is 0.
 */
size_t goname_print(char *buf, size_t size, const char *raw);

/* Whether a printed name is of a package of Go's standard library, by its import path. */
bool goname_is_standard(const char *name);

/* Bytes of the import path that a printed name begins with: of "net/http" in "net/http.(*conn).serve". */
size_t goname_package_len(const char *name);

/*
 * Whether a goroutine that began in this function is of the runtime itself: as the runtime's own counts
 * and profiles have it, one that began in a function of it, but for these three, which run the program's.
 */
bool goname_is_system(const char *start);

/* The goroutine that waits for signals for the program, in a system call for as long as it lives. */
bool goname_is_signals(const char *start);

/*
 * Whether a function of this printed name is one in which goroutines wait for something of a pool, connections above all:
 * database/sql.(*DB).conn, net/http.(*Transport).getConn, or a type or function that calls itself a pool, as those of pgx,
 * go-redis, redigo and mongo do; but no pool of workers, tasks or memory.
 */
bool goname_is_pool(const char *name);

/*
 * How the names of all functions begin that use what such a pool gives out: those of its module, or of the library's part that does.
 * Returns how long that is, in ret; 0: it is not known, as of a pool of the program itself.
 */
size_t goname_pool_users(const char *name, char *ret, size_t size);

#endif
