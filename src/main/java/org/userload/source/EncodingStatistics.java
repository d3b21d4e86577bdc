package org.userload.source;

import org.userload.pack.Compression;

/**
 * What encoding did to the page content of a session; a snapshot. Zero pages are in none of these.
 *
 * @param compression what the sides agreed on
 * @param pagesPacked pages sent compressed
 * @param pagesRaw pages sent as they are
 * @param bytesIn bytes of the pages of both kinds
 * @param bytesOut bytes that were sent for them, without headers of frames
 * @param deltaCacheBytes memory of the delta cache; 0 without one
 * @param deltaHits pages of the second and later rounds that were sent as a delta
 * @param deltaMisses pages of these rounds that were sent otherwise: the content sent before was not in the cache, or the
 *     delta was no smaller
 * @param deltaBytesSaved bytes of the pages sent as a delta, less those of the deltas
 */
public record EncodingStatistics(
        Compression compression,
        long pagesPacked,
        long pagesRaw,
        long bytesIn,
        long bytesOut,
        long deltaCacheBytes,
        long deltaHits,
        long deltaMisses,
        long deltaBytesSaved) {}
