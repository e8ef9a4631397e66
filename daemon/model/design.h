/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Panics by design: http.ErrAbortHandler, by which a handler ends a connection, and packages that use
 * panics to get out of a recursion and recover at their border, as text/template, encoding/json and
 * many parsers do. Nothing is wrong with these, and nobody is to be told of them.
 */
#ifndef DEFERD_MODEL_DESIGN_H
#define DEFERD_MODEL_DESIGN_H

#include "model/ledger.h"
#include "model/names.h"

/*
 * What the recoveries of a site are. Control flow is what code of a package raises itself, rather than the
 * runtime by a fault of it or another goroutine, and a function of the same package recovers; and either
 * the value is of a type of that package, or the package was called there from another one, which
 * package main never is. UNKNOWN: names are still to come.
 */
enum panic_design design_of_site(struct model *m, const struct ledger_site *s);

#endif
