import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.ExponentialBackoffRetry;

/**
 * Measures Curator's InterProcessMutex, or its LeaderLatch, on the ensemble of PEERS_SERVER, below
 * the znode PEERS_BELOW: what PEERS_PART says, lock or election. It prints one line of JSON for
 * each figure. README.md has the settings.
 */
public class CuratorContend {
    static final int PATIENCE = 60; // seconds for one state
    static final int WARM_UP = 100; // of what is timed one by one, these do not count: the JVM compiles meanwhile
    static final int PAUSE = 50; // milliseconds before a lock is given up, so that the other one waits by then
    static final ExecutorService ASIDE = Executors.newCachedThreadPool();

    static int number(String name) { return Integer.parseInt(System.getenv("PEERS_" + name)); }

    /** The name of Curator's library that has the version in it. Debian has it under two names. */
    static String archive() throws Exception {
        Path used = Path.of(CuratorFramework.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (DirectoryStream<Path> named = Files.newDirectoryStream(used.getParent(), "curator-framework-*.jar")) {
            for (Path path : named) if (Files.isSameFile(path, used)) return path.getFileName().toString();
        }
        return used.getFileName().toString();
    }

    static CuratorFramework connect() throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.builder().connectString(System.getenv("PEERS_SERVER"))
            .sessionTimeoutMs(10_000).retryPolicy(new ExponentialBackoffRetry(100, 3)).build();
        client.start();
        if (!client.blockUntilConnected(PATIENCE, TimeUnit.SECONDS)) throw new IllegalStateException("no server of " + System.getenv("PEERS_SERVER") + " answers");
        return client;
    }

    static void say(String what, String setting, int waiting, int tasks, double seconds) {
        System.out.printf(Locale.ROOT, "{\"what\":\"%s\",\"setting\":\"%s\",\"waiting\":%d,\"tasks\":%d,\"seconds\":%f}%n", what, setting, waiting, tasks, seconds);
    }

    static double median(double[] took) {
        Arrays.sort(took);
        return took[took.length / 2];
    }

    /** Times the acquire and release of a lock that nothing else wants. */
    static void pairs(String path, int n) throws Exception {
        CuratorFramework client = connect();
        InterProcessMutex lock = new InterProcessMutex(client, path);
        double[] took = new double[n];
        for (int i = -WARM_UP; i < n; i++) {
            long began = System.nanoTime();
            lock.acquire();
            lock.release();
            if (i >= 0) took[i] = (System.nanoTime() - began) / 1e9;
        }
        client.close();
        say("pair", "", 0, n, median(took));
    }

    /** Counts the grants of a lock that contenders want, each with a session of its own. */
    static void crowd(String path, int contenders, int window) throws Exception {
        AtomicBoolean counts = new AtomicBoolean(), over = new AtomicBoolean();
        AtomicInteger grants = new AtomicInteger();
        List<CuratorFramework> clients = new ArrayList<>();
        List<Future<Void>> all = new ArrayList<>();
        for (int i = 0; i < contenders; i++) clients.add(connect());
        for (CuratorFramework client : clients) {
            InterProcessMutex lock = new InterProcessMutex(client, path);
            all.add(ASIDE.submit((Callable<Void>) () -> {
                while (!over.get()) {
                    lock.acquire();
                    if (counts.get()) grants.incrementAndGet();
                    lock.release();
                }
                return null;
            }));
        }
        Thread.sleep(1000); // warm-up
        counts.set(true);
        long began = System.nanoTime();
        Thread.sleep(window * 1000L);
        counts.set(false);
        double took = (System.nanoTime() - began) / 1e9;
        over.set(true);
        for (Future<Void> one : all) one.get(PATIENCE, TimeUnit.SECONDS);
        for (CuratorFramework client : clients) client.close();
        say("grants", "a session each, one JVM", contenders, grants.get(), took);
    }

    /** Something that one of two has. take returns when it has it, at that time by the clock. */
    interface Contender {
        long take() throws Exception;

        void giveUp() throws Exception;
    }

    /** A lock is of a thread, so each contender has one. */
    static Contender mutex(String path) throws Exception {
        InterProcessMutex lock = new InterProcessMutex(connect(), path);
        ExecutorService thread = Executors.newSingleThreadExecutor();
        return new Contender() {
            @Override public long take() throws Exception {
                return thread.submit(() -> {
                    lock.acquire();
                    return System.nanoTime();
                }).get(PATIENCE, TimeUnit.SECONDS);
            }

            @Override public void giveUp() throws Exception {
                thread.submit((Callable<Void>) () -> {
                    lock.release();
                    return null;
                }).get(PATIENCE, TimeUnit.SECONDS);
            }
        };
    }

    /** A latch leads once, so each term has one. */
    static Contender latch(String path) throws Exception {
        CuratorFramework client = connect();
        return new Contender() {
            LeaderLatch latch;

            @Override public long take() throws Exception {
                CountDownLatch leads = new CountDownLatch(1);
                long[] at = new long[1];
                latch = new LeaderLatch(client, path);
                latch.addListener(new LeaderLatchListener() {
                    @Override public void isLeader() {
                        at[0] = System.nanoTime();
                        leads.countDown();
                    }

                    @Override public void notLeader() { }
                });
                latch.start();
                if (!leads.await(PATIENCE, TimeUnit.SECONDS)) throw new IllegalStateException("nothing is given up to it");
                return at[0];
            }

            @Override public void giveUp() throws Exception { latch.close(); }
        };
    }

    /** Times how long the one that waits takes to get what the other gives up. */
    static void handovers(Contender one, Contender other, int n) throws Exception {
        double[] took = new double[n];
        one.take();
        for (int i = -WARM_UP; i < n; i++) {
            Contender waits = other;
            Future<Long> taken = ASIDE.submit((Callable<Long>) waits::take);
            Thread.sleep(PAUSE);
            long began = System.nanoTime();
            one.giveUp();
            long at = taken.get(PATIENCE, TimeUnit.SECONDS);
            if (i >= 0) took[i] = (at - began) / 1e9;
            other = one;
            one = waits;
        }
        one.giveUp();
        say("passed", "", 0, n, median(took));
    }

    public static void main(String[] args) throws Exception {
        String below = System.getenv("PEERS_BELOW"), path = below + "/passed";
        System.out.printf("{\"what\":\"server\",\"setting\":\"%s, Java %d\"}%n", archive(), Runtime.version().feature());
        boolean locks = System.getenv("PEERS_PART").equals("lock");
        if (locks) {
            pairs(below + "/pairs", number("LONE"));
            for (String n : System.getenv("PEERS_CROWDS").split(",")) crowd(below + "/crowd-" + n, Integer.parseInt(n), number("WINDOW"));
        }
        handovers(locks ? mutex(path) : latch(path), locks ? mutex(path) : latch(path), number("HANDOVERS"));
        System.exit(0);
    }
}
