package org.userload.destination.prefetch;

/** Decides, fault by fault, which pages will be touched next. Fault loop only; allocates nothing. */
public interface ReadAhead {
    /** Never wants anything. */
    ReadAhead NONE = (region, page, wanted) -> {};

    /** Takes what is wanted, in the order in which it is expected to be touched. */
    @FunctionalInterface
    interface Wanted {
        /**
         * Pages of one region; what lies outside it, is here or was wanted before is left out.
         *
         * @param firstPage may be negative
         * @param count at least 1
         */
        void pages(int region, long firstPage, int count);
    }

    /** Somebody waits for this page: called once for each time it is missing. */
    void fault(int region, long page, Wanted wanted);

    /** So many pages behind each fault. */
    static ReadAhead fixed(int pages) {
        return (region, page, wanted) -> wanted.pages(region, page + 1, pages);
    }
}
