package org.userload.fault;

/**
 * What became of pages that the guest has released.
 *
 * @param missing were not here; they need not come any more
 * @param dropped were here; their memory was given back
 * @param zeroed were here and were filled with zeros, because the kernel keeps only so many mappings apart
 */
public record Released(long missing, long dropped, long zeroed) {
    /** Nothing. */
    public static final Released NONE = new Released(0, 0, 0);

    public Released plus(Released more) {
        return new Released(missing + more.missing, dropped + more.dropped, zeroed + more.zeroed);
    }
}
