/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Who is told of alerts, as it stands in YAML. */
#ifndef DEFERD_CONFIG_RECEIVERS_H
#define DEFERD_CONFIG_RECEIVERS_H

#include "config/yaml.h"
#include "export/receivers.h"

/* The section `receivers`; faults are reported through f. */
void receivers_parse(struct yaml_file *f, yaml_node_t *node, struct receivers_opts *opts);
/* The defaults. As yaml_presets(). */
int receivers_presets(struct receivers_opts *opts);
void receivers_print_example(struct buf *b);

#endif
