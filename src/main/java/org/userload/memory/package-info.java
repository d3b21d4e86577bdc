/**
 * Pages, page ranges, bitmaps, regions, and {@link org.userload.memory.GuestMemory}, the page-access layer.
 *
 * <p>The received bitmap of a region is the one authority on which pages are in place. Everything here may be used by
 * any number of threads.
 */
@NullMarked
package org.userload.memory;

import org.jspecify.annotations.NullMarked;
