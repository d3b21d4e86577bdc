package org.userload.trace;

/** Memory whose source goes away after some reads of eight bytes. */
final class FailingMemory extends ArrayMemory {
    private int readsLeft;

    FailingMemory(long sizeBytes, int reads) {
        super(sizeBytes);
        readsLeft = reads;
    }

    @Override
    public long getLong(long guestAddress) {
        if (readsLeft-- == 0) {
            throw new IllegalStateException("the source is gone");
        }
        return super.getLong(guestAddress);
    }
}
