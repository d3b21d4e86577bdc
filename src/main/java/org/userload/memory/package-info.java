/** Pages, page ranges, bitmaps, regions, and the page-access layer. */
@NullMarked
package org.userload.memory;

import org.jspecify.annotations.NullMarked;
