/* A tiny HTTP/1.1 server inside a test: one thread per connection, and a function that makes up the answers. */
#pragma once

#include <glib.h>

typedef struct WebServer WebServer;

typedef struct
{
  char *method, *target;
  char *head; /* the header lines */
  char *body;
} WebRequest;

typedef enum
{
  WEB_WHOLE,
  WEB_CUT,  /* the connection ends in the middle of the body */
  WEB_RESET /* the connection ends before any answer */
} WebEnd;

typedef struct
{
  int status;
  const char *headers; /* "Name: value\r\n" each, or NULL */
  const char *body;    /* static */
  size_t size;         /* 0: strlen (body) */
  WebEnd end;
} WebAnswer;

/* On the connection's thread: may wait there, which stalls the answer. */
typedef WebAnswer (*WebHandler) (const WebRequest *request, void *data);

/* Listens on a port of 127.0.0.1. */
WebServer *web_server_new (WebHandler handler, void *data);

/* "http://127.0.0.1:1234" */
const char *web_server_url (WebServer *server);

/* Ends all connections. No handler may be waiting. */
void web_server_free (WebServer *server);
