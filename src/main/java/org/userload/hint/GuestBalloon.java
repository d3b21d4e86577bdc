package org.userload.hint;

/** What a guest does about its balloon when the host asks. On the thread of the agent, one call at a time. */
public interface GuestBalloon {
    /** A guest without a balloon. */
    GuestBalloon NONE = new GuestBalloon() {
        @Override
        public void target(long pages) {
            // There is nothing to give.
        }

        @Override
        public long reclaim(long floorPages) {
            return 0;
        }
    };

    /**
     * Have so many pages in the balloon, as far as possible; tell by {@link GuestMemoryAgent#inflate} and {@link
     * GuestMemoryAgent#deflate}.
     */
    void target(long pages) throws InterruptedException;

    /**
     * Put available memory into the balloon down to a floor.
     *
     * @return pages that are available then
     */
    long reclaim(long floorPages) throws InterruptedException;
}
