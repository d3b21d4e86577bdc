package org.userload.migration.simulation;

/**
 * Pages to be sent in bulk, by what they cost. Expected numbers, so not whole ones.
 *
 * @param content with payload
 * @param zero as runs of zero pages, which the source has to find
 * @param unneeded as runs of pages that nobody needs
 */
record SentPages(double content, double zero, double unneeded) {
    static SentPages ofContent(double pages) {
        return new SentPages(pages, 0, 0);
    }

    /** All of them. */
    double pages() {
        return content + zero + unneeded;
    }
}
