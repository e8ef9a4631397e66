/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Rules as they stand in YAML. */
#ifndef DEFERD_CONFIG_RULES_H
#define DEFERD_CONFIG_RULES_H

#include "alert/rule.h"
#include "config/yaml.h"

/* A list of rules, added to *set; faults are reported through f. */
void rules_parse(struct yaml_file *f, yaml_node_t *node, struct rule_set *set);
/* A rule file: a mapping with the one key `rules`. */
void rules_parse_file(struct yaml_file *f, yaml_node_t *root, struct rule_set *set);
/* A mapping of names to values, after the *n that are there. */
void rules_parse_labels(struct yaml_file *f, yaml_node_t *node,
			struct rule_label labels[static RULE_LABELS_MAX], unsigned *n);
void rules_print_example(struct buf *b);

#endif
