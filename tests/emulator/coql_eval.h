/* Runs a planned COQL query. */
#pragma once

#include "coql_plan.h"

/* The rows of the answer, new; *@more: there is at least one after them. */
json_t *coql_run (const CoqlPlan *plan, bool *more);

/* A value as COQL shows it, new: lookups as {"name","id"}, those into several modules as {"id"} alone. */
json_t *coql_show (Emulator *emulator, const Path *path, const json_t *record);

/* The selection that the plan's WHERE makes, without order and limits. */
Selection coql_selection (const CoqlPlan *plan);

/* coql_group.c: the rows of a query with aggregates or GROUP BY. */
json_t *coql_run_grouped (const CoqlPlan *plan, bool *more);
