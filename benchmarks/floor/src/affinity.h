/*
 * Where each role runs. A wake-up on another CPU costs more than everything else on the way of a
 * page, so a figure means little without its placement.
 *
 *                   none        same    split
 *   toucher         anywhere    CPU 0   CPU 0
 *   stream intake   anywhere    CPU 0   CPU 0
 *   fault handler   anywhere    CPU 0   CPU 1
 *   source process  anywhere    CPU 0   CPU 1
 */
#ifndef FLOOR_AFFINITY_H
#define FLOOR_AFFINITY_H

enum pin { PIN_NONE, PIN_SAME, PIN_SPLIT };

enum role { ROLE_TOUCHER, ROLE_STREAM_INTAKE, ROLE_FAULT_HANDLER, ROLE_SOURCE };

/* Pins the calling thread; threads and processes that it starts inherit the placement. */
void affinity_pin(enum pin pin, enum role role);

#endif
