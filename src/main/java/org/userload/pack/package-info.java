/**
 * Page content made smaller for the wire: compression of runs of pages, and what has changed in a page since it was sent.
 *
 * <p>Bytes in, bytes out: nothing here knows frames, sessions or memory. Whatever unpacks takes its input for hostile: it
 * writes no byte outside the pages that it was told to fill, and says {@link org.userload.pack.CorruptPageException} when
 * they cannot be filled exactly.
 *
 * <p>Buffers are direct and addressed by absolute index; positions and limits do not change. Nothing allocates for each
 * call. Packers and unpackers have native state: each belongs to one thread at a time, and whoever made it closes it.
 */
@NullMarked
package org.userload.pack;

import org.jspecify.annotations.NullMarked;
