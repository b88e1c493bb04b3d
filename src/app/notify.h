/* News for systemd, when it started us as a Type=notify unit. */
#pragma once

/* @state: "READY=1", "STOPPING=1". Without systemd nothing happens. */
void notify_send (const char *state);
