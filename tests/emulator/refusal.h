/* Why a query was refused, on its way from the depths of a parser to the reply. */
#pragma once

#include "request.h"

/* Starts as all zeroes: not refused. */
typedef struct
{
  const char *code;
  char *message;
  json_t *details;
} Refusal;

/* Keeps the first reason only. Steals @details; NULL gives {}. Returns false, so that callers can return it. */
bool refuse (Refusal *refusal, const char *code, const char *message, json_t *details);

/* Answers 400 with it. */
void refusal_reply (const Refusal *refusal, Reply *reply);

void refusal_clear (Refusal *refusal);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Refusal, refusal_clear)
