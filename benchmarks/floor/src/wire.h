/*
 * The frame: a header of 24 bytes, little-endian, followed by page data when the type is PAGES.
 *
 *     0        4        8                 16                24
 *     +--------+--------+-----------------+-----------------+---------------------
 *     | type   | region | first page      | page count      | page count * 4096 ...
 *     +--------+--------+-----------------+-----------------+---------------------
 *
 *   sync connection     READY    source -> destination   memory is filled; ask away
 *                       REQUEST  destination -> source   one page, now
 *                       PAGES    source -> destination   the page
 *   stream connection   START    destination -> source   begin
 *                       PAGES    source -> destination   a run of pages not sent before
 *                       END      source -> destination   every page was sent, here or on demand;
 *                                                    a FIN follows
 *
 * There is one region, number 0.
 */
#ifndef FLOOR_WIRE_H
#define FLOOR_WIRE_H

#include <stdint.h>

enum frame_type {
    FRAME_READY = 1,
    FRAME_REQUEST,
    FRAME_PAGES,
    FRAME_START,
    FRAME_END,
};

struct frame {
    uint32_t type;
    uint32_t region;
    uint64_t first_page;
    uint64_t page_count;
};

_Static_assert(sizeof(struct frame) == 24, "the header is 24 bytes on the wire");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the header is sent as it lies in memory");

#endif
