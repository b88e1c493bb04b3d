/* The grammar of COQL, without any knowledge of modules and fields. */
#pragma once

#include "condition.h"
#include "refusal.h"

typedef enum
{
  AGGREGATE_NONE,
  AGGREGATE_SUM,
  AGGREGATE_MAX,
  AGGREGATE_MIN,
  AGGREGATE_AVG,
  AGGREGATE_COUNT
} Aggregate;

const char *aggregate_name (Aggregate aggregate); /* "SUM" */

typedef struct
{
  char *text;  /* as selected: "Account_Name.Phone", "SUM(Amount)" */
  char *path;  /* what stands in the brackets, or the whole */
  char *alias; /* NULL: none */
  Aggregate aggregate;
  bool descending; /* in ORDER BY */
} CoqlItem;

/* A criterion as written; joined ones have no path. */
typedef struct CoqlTerm
{
  struct CoqlTerm *left, *right;
  bool all;          /* joined by AND */
  char *path;
  Test test;
  const char *operator_text; /* "not like" */
  GPtrArray *values; /* char *; LIKE's without the per cent signs that its test stands for */
  char *value_text;  /* the first value as written, for errors; NULL: none */
  bool odd_pattern;  /* a LIKE pattern that COQL cannot do */
} CoqlTerm;

typedef struct
{
  GPtrArray *select; /* CoqlItem */
  char *module;
  char *view;        /* Module#view, or NULL */
  CoqlTerm *where;
  GPtrArray *group;  /* CoqlItem */
  GPtrArray *order;  /* CoqlItem */
  int64_t limit;     /* -1: none given */
  int64_t offset;    /* 0: none given */
} CoqlQuery;

/* Returns: NULL when refused: SYNTAX_ERROR, or INVALID_ALIAS. */
CoqlQuery *coql_parse (const char *text, Refusal *refusal);

void coql_query_free (CoqlQuery *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CoqlQuery, coql_query_free)
