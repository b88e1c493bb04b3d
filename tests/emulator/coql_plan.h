/* A COQL query that was held against the org's modules and fields and found good. */
#pragma once

#include "coql_parse.h"
#include "selection.h"

typedef struct
{
  Path *path;
  char *key;           /* in the answer: the select text or the alias */
  Aggregate aggregate;
} CoqlColumn;

/* Grouped rows are ordered by what was selected. */
typedef struct
{
  unsigned column;
  bool descending;
} CoqlGroupOrder;

typedef struct
{
  Emulator *emulator;
  const Module *source;
  GPtrArray *columns;   /* CoqlColumn */
  Condition *where;
  bool converted;       /* converted leads too: only when the query tests for them */
  bool grouped;         /* GROUP BY or aggregates */
  GPtrArray *group;     /* Path */
  GArray *order;        /* Order; rows that are not grouped */
  GPtrArray *order_paths; /* Path: those of @order */
  GArray *group_order;  /* CoqlGroupOrder */
  uint64_t limit, offset;
  GPtrArray *modules;   /* const Module *, each once: whatever is read */
} CoqlPlan;

/* @user_id: who asks, for views of one's own records. Returns: NULL when refused. */
CoqlPlan *coql_plan (Emulator *emulator, const CoqlQuery *query, const char *user_id, Refusal *refusal);

void coql_plan_free (CoqlPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CoqlPlan, coql_plan_free)
