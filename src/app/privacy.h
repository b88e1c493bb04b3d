/* Keeps the secrets in memory away from core dumps and debuggers. */
#pragma once

/* For this process and those it forks. */
void privacy_guard (void);
