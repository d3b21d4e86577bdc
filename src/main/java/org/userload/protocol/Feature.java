package org.userload.protocol;

import org.userload.pack.Compression;

/**
 * What both sides may agree on in their hellos: the destination offers, the source answers with what it will use, and
 * only that may be used in the session.
 */
public enum Feature {
    /**
     * Pages may be sent before the handover, and again when the guest has written to them: MARK, MARKED, DISCARD, and a
     * START that grants the window before there is anything to stream.
     */
    ROUNDS(1),
    /** PACKED frames with {@link Compression#ZSTD}. */
    ZSTD(2),
    /** PACKED frames with {@link Compression#LZ4}. */
    LZ4(4),
    /** DELTA frames in rounds. */
    DELTA(8),
    /** FREE and RELEASED frames. */
    FREE(16),
    /** Connections of role {@link Role#FAULT}. */
    FAULTS(32),
    /** INSTALLED frames: the source drops pages that are in place at the destination. */
    RELEASE_SOURCE(64),
    /** PREFER frames, and a START that says in what order the rest is to come. */
    PREFER(128),
    /** PAGES frames of whole blocks of 512 pages, as often as they fit, so that the destination may take their memory. */
    BLOCKS(256);

    /** Every feature that this implementation knows. */
    public static final long ALL = bits(values());

    private final long bit;

    Feature(long bit) {
        this.bit = bit;
    }

    /** Whether it is in a set of feature bits. */
    public boolean in(long bits) {
        return (bits & bit) != 0;
    }

    /**
     * What both sides need for a compression.
     *
     * @throws IllegalArgumentException for {@link Compression#NONE}, which needs nothing
     */
    public static Feature of(Compression compression) {
        return switch (compression) {
            case ZSTD -> ZSTD;
            case LZ4 -> LZ4;
            case NONE -> throw new IllegalArgumentException("no compression is no feature");
        };
    }

    /** The set of these features. */
    public static long bits(Feature... features) {
        long bits = 0;
        for (Feature feature : features) {
            bits |= feature.bit;
        }
        return bits;
    }
}
