/**
 * What serves memory: page sources.
 *
 * <p>A {@link org.userload.source.PageSource} gives the pages of one image or guest by region and page number. Sources
 * are thread-safe: the loop that answers page requests and the loop that streams read from one source at the same time.
 *
 * <p>Two sources are files: a raw memory image ({@link org.userload.source.ImageFilePageSource}) and the compressed
 * {@code .uli} image ({@link org.userload.source.UliPageSource}, written by {@link org.userload.source.UliWriter}, laid
 * out in {@link org.userload.source.UliFormat} and {@code docs/image-format.md}). {@link
 * org.userload.source.PageSources#open} tells them apart by content.
 *
 * <p><b>Errors.</b> Whatever keeps a source from giving correct bytes is a {@link
 * org.userload.source.PageSourceException} whose message names the source and the page; wrong bytes are never returned
 * instead. Arguments outside the source are the caller's mistake: {@link IndexOutOfBoundsException} and
 * {@link IllegalArgumentException}.
 *
 * <p>Image files are read by position, not mapped: a file that shrinks under a mapping kills or stalls its readers, and
 * a mapped read that waits for the disk holds up the virtual machine's safepoints. A read call does neither.
 */
@NullMarked
package org.userload.source;

import org.jspecify.annotations.NullMarked;
