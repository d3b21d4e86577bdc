package org.userload.destination;

/**
 * Blocks of 2 MiB of guest memory, as huge pages are.
 *
 * @param moved came in one frame, the memory of which became guest memory
 * @param copied came in one frame and were copied: some page of them was there already, or the kernel did not move them
 * @param collapsed came in pieces, of which a huge page was made afterwards
 */
public record BlockCounts(long moved, long copied, long collapsed) {}
