package org.userload.hint;

/** Takes runs of pages whose content has changed without a write. */
@FunctionalInterface
public interface ChangedPages {
    /**
     * These pages do not hold what they held.
     *
     * @param region index of the region
     * @param firstPage index of the first page in its region
     * @param count pages, at least 1
     */
    void changed(int region, long firstPage, long count);
}
