package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.cli.NeverMoved.FreeContent;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.trace.AccessRate;
import org.userload.trace.ColdPages;
import org.userload.trace.ColdPages.Kind;
import org.userload.trace.CpuState;
import org.userload.trace.GuestReplayMemory;
import org.userload.trace.Program;
import org.userload.trace.SyntheticTrace;
import org.userload.trace.TraceLoader;
import org.userload.trace.Workload;

/** What counts as verified, and that nothing else does. */
@Timeout(60)
class NeverMovedTest {
    private static final int TRACE_PAGES = 20;
    private static final int PAGES = 4000;
    private static final int PAGE_BYTES = 4096;
    private static final long SEED = 3;
    private static final long PATTERN = 0x1122334455667788L;

    private Program program;
    private ColdPages cold;
    private GuestMemory memory;
    private CpuState end;

    @BeforeEach
    void moveAGuest() throws Exception {
        SyntheticTrace trace = new SyntheticTrace(
                TRACE_PAGES, 1000, 0.5, TRACE_PAGES, SyntheticTrace.Pattern.RANDOM, Long.BYTES, SEED);
        program = Program.once(TraceLoader.load("test", trace.reader()), SEED);
        cold = ColdPages.of(TRACE_PAGES, PAGES - TRACE_PAGES, new ColdPages.Shares(0.25, 0.25, 900), SEED);
        memory = GuestMemory.present(RegionTable.single(PAGES));
        cold.fill(new GuestReplayMemory(memory), SEED);
        for (ColdPages.Run run : cold.runs(Kind.BALLOONED)) {
            memory.fill(run.first() * PAGE_BYTES, run.count() * PAGE_BYTES, (byte) 0);
        }
        try (Workload guest = new Workload(program, AccessRate.FULL_SPEED, new GuestReplayMemory(memory))) {
            guest.runTo(program.accessCount());
            end = CpuState.fromBytes(guest.saveCpuState());
        }
    }

    @AfterEach
    void closeMemory() {
        memory.close();
    }

    private boolean verified(FreeContent freeContent) {
        return new NeverMoved(program, cold, freeContent).isEqualTo(end, memory);
    }

    private static FreeContent unsent(long pattern) {
        return new FreeContent.Pattern(pattern);
    }

    private long lastPageOf(Kind kind) {
        var runs = cold.runs(kind);
        ColdPages.Run run = runs.get(runs.size() - 1);
        return run.first() + run.count() - 1;
    }

    private void fillPage(long page, long pattern) {
        for (int at = 0; at < PAGE_BYTES; at += Long.BYTES) {
            memory.putLong(page * PAGE_BYTES + at, pattern);
        }
    }

    @Test
    void guestWithAllItsContent_isVerified_howeverItMoved() {
        assertThat(verified(new FreeContent.Sent())).isTrue();
        assertThat(verified(unsent(0))).isTrue();
        assertThat(verified(unsent(PATTERN))).isTrue();
    }

    @Test
    void freePagesThatWereNotSent_holdZeros_orThePattern_andNothingElse() {
        fillPage(lastPageOf(Kind.FREE), 0);
        assertThat(verified(unsent(0))).isTrue();
        assertThat(verified(unsent(PATTERN))).as("zeros under a pattern").isFalse();
        assertThat(verified(new FreeContent.Sent())).as("zeros without hints").isFalse();
        fillPage(lastPageOf(Kind.FREE), PATTERN);
        assertThat(verified(unsent(PATTERN))).isTrue();
        assertThat(verified(unsent(0))).as("a pattern that was not asked for").isFalse();
        assertThat(verified(unsent(Long.reverseBytes(PATTERN))))
                .as("the other way round")
                .isFalse();
        assertThat(verified(new FreeContent.Sent()))
                .as("a pattern without hints")
                .isFalse();
        long last = lastPageOf(Kind.FREE) * PAGE_BYTES + PAGE_BYTES - 1;
        memory.putByte(last, (byte) (memory.getByte(last) + 1));
        assertThat(verified(unsent(PATTERN))).as("a page neither old nor new").isFalse();
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void oneWrongByte_isSeen(Kind kind) {
        long last = lastPageOf(kind) * PAGE_BYTES + PAGE_BYTES - 1;
        memory.putByte(last, (byte) (memory.getByte(last) + 1));
        assertThat(Arrays.asList(verified(new FreeContent.Sent()), verified(unsent(0)), verified(unsent(PATTERN))))
                .containsOnly(false);
    }

    @Test
    void pageInUse_isNeverMissed() {
        fillPage(lastPageOf(Kind.IN_USE), 0);
        assertThat(verified(unsent(0))).isFalse();
        fillPage(lastPageOf(Kind.IN_USE), PATTERN);
        assertThat(verified(unsent(PATTERN))).isFalse();
    }

    @Test
    void zeroAndBalloonedPages_neverHoldThePattern() {
        for (Kind kind : new Kind[] {Kind.ZERO, Kind.BALLOONED}) {
            fillPage(lastPageOf(kind), PATTERN);
            assertThat(verified(unsent(PATTERN))).as("%s", kind).isFalse();
            fillPage(lastPageOf(kind), 0);
            assertThat(verified(unsent(PATTERN))).as("%s", kind).isTrue();
        }
    }

    @Test
    void tracePages_areChecked() {
        memory.putByte(5, (byte) (memory.getByte(5) + 1));
        assertThat(verified(unsent(0))).isFalse();
    }
}
