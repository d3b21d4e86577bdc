package org.userload.trace;

/** Yields the accesses of a {@link SyntheticTrace}. There is nothing to close. */
final class SyntheticReader extends TraceReader {
    private final SyntheticTrace trace;

    SyntheticReader(SyntheticTrace trace) {
        this.trace = trace;
    }

    @Override
    public boolean next() {
        long position = accessCount();
        if (position == trace.accesses()) {
            return false;
        }
        Operation operation = trace.isWrite(position) ? Operation.WRITE : Operation.READ;
        found(operation, trace.address(position), trace.sizeBytes());
        return true;
    }

    @Override
    public void close() {}
}
