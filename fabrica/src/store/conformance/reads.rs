//! Checks of `get` and `list`.

use futures_util::future::join;

use super::bench::{Bench, Maker, Outcome, ensure, keys};
use crate::store::{Entry, ListPage, Page, PageToken, Revision, StoreError, Transaction};

pub(super) async fn a_get_tells_its_revision(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let revision = bench.put("/a", "1").await?;
    for key in ["/a", "/absent"] {
        for at_least in [None, Some(Revision::ZERO), Some(revision)] {
            let answer = bench.store.get(&key.into(), at_least).await;
            let (_, at) = answer.map_err(|error| format!("get of {key} at least {at_least:?}: {error}"))?;
            ensure!(at == revision, "get of {key} says revision {at}, the store is at {revision}");
        }
    }
    Ok(())
}

pub(super) async fn a_get_of_the_future_waits_or_says_so(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let future = bench.put("/a", "1").await?.next();
    let key = "/a".into();
    let (answer, put) = join(bench.store.get(&key, Some(future)), bench.put("/a", "2")).await;
    put?;
    match answer {
        Ok((_, revision)) if revision >= future => Ok(()),
        Err(StoreError::FutureRevision { asked, .. }) if asked == future => Ok(()),
        other => Err(format!("asked for at least {future}, it answered {other:?}")),
    }
}

pub(super) async fn a_list_is_ordered_and_of_its_prefix_only(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    for key in ["/b/1", "/a/2", "/a/10", "/a", "/a0", "/a/", "/A/1"] {
        bench.put(key, "1").await?;
    }
    bench.put(vec![0xff, 0xff, 1], "1").await?;
    let found = keys(&bench.list("/a/", Page::all()).await?.entries);
    ensure!(found == ["/a/", "/a/10", "/a/2"], "a list of /a/ holds {found:?}");
    let top = bench.list(vec![0xff, 0xff], Page::all()).await?.entries.len();
    ensure!(top == 1, "a list of the prefix ff ff holds {top} entries, not 1");
    Ok(())
}

pub(super) async fn the_empty_prefix_lists_everything(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    for key in [vec![0], vec![b'm'], vec![0xff]] {
        bench.put(key, "1").await?;
    }
    let found = bench.list("", Page::all()).await?.entries.len();
    ensure!(found == 3, "it shows {found} of 3 entries");
    Ok(())
}

pub(super) async fn pages_make_up_the_list(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    fill(&bench).await?;
    let whole = bench.list("/p/", Page::all()).await?;
    ensure!(whole.next.is_none(), "the whole list has a next page");
    for size in 1..=8 {
        let mut page = bench.list("/p/", Page::first(size)).await?;
        let mut entries = page.entries.clone();
        while let Some(token) = page.next {
            ensure!(page.entries.len() == size, "a page of {size} has {} entries, and a next", page.entries.len());
            page = bench.list("/p/", Page::first(size).after(token)).await?;
            ensure!(!page.entries.is_empty(), "an empty page of {size} follows a whole one");
            entries.extend(page.entries.clone());
        }
        ensure!(entries == whole.entries, "pages of {size} make up {:?}", keys(&entries));
    }
    Ok(())
}

pub(super) async fn pages_show_one_revision(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    fill(&bench).await?;
    let whole = bench.list("/p/", Page::all()).await?;
    let first = bench.list("/p/", Page::first(2)).await?;
    bench.put("/p/0", "changed before the next page").await?;
    bench.put("/p/4", "changed in a later page").await?;
    bench.put("/p/4", "changed again").await?;
    bench.delete("/p/3").await?;
    bench.commit(Transaction::new().delete("/p/5").put("/p/50", "created").put("/q", "elsewhere")).await?;
    bench.put("/p/5", "created again").await?;
    let rest = rest(&bench, &first).await?;
    let pages: Vec<Entry> = first.entries.into_iter().chain(rest).collect();
    ensure!(pages == whole.entries, "after changes between the pages they show {pages:?}");
    Ok(())
}

/// The pages after the first, which must all say its revision.
async fn rest(bench: &Bench, first: &ListPage) -> Result<Vec<Entry>, String> {
    let (mut entries, mut next) = (Vec::new(), first.next.clone());
    while let Some(token) = next {
        let page = bench.list("/p/", Page::first(2).after(token)).await?;
        if page.revision != first.revision {
            return Err(format!("the first page is at {}, a later one at {}", first.revision, page.revision));
        }
        entries.extend(page.entries);
        next = page.next;
    }
    Ok(entries)
}

pub(super) async fn a_page_that_is_too_old_expires_or_is_right(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench_with_window(4).await;
    fill(&bench).await?;
    let whole = bench.list("/p/", Page::all()).await?.entries;
    let first = bench.list("/p/", Page::first(2)).await?;
    let Some(token) = first.next else { return Err("a list of 6 has no page after the first 2".into()) };
    bench.churn("/p/5", 32).await?;
    match bench.store.list(&"/p/".into(), Page::all().after(token)).await {
        Ok(page) => {
            ensure!(page.revision == first.revision, "the pages are at {} and {}", first.revision, page.revision);
            ensure!(page.entries == whole[2..], "the old page shows {:?}", page.entries);
        }
        Err(StoreError::Expired { .. }) => {
            bench.list("/p/", Page::first(2)).await?;
        }
        Err(error) => return Err(format!("expected Expired, got: {error}")),
    }
    Ok(())
}

pub(super) async fn a_page_of_nothing_is_refused(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    is_invalid(bench.store.list(&"/p/".into(), Page::first(0)).await)
}

pub(super) async fn a_token_of_another_list_is_refused(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    fill(&bench).await?;
    let Some(token) = bench.list("/p/", Page::first(2)).await?.next else {
        return Err("a list of 6 has no page after the first 2".into());
    };
    is_invalid(bench.store.list(&"/q/".into(), Page::first(2).after(token.clone())).await)?;
    let future = PageToken::new(token.revision().next(), token.after().clone());
    match bench.store.list(&"/p/".into(), Page::first(2).after(future)).await {
        Err(StoreError::FutureRevision { .. }) => Ok(()),
        other => Err(format!("a token from the future answered {other:?}")),
    }
}

fn is_invalid(answer: Result<ListPage, StoreError>) -> Outcome {
    match answer {
        Err(StoreError::Invalid(_)) => Ok(()),
        other => Err(format!("expected Invalid, got {other:?}")),
    }
}

/// Six entries under `/p/`, and neighbours.
async fn fill(bench: &Bench) -> Outcome {
    for key in ["/o", "/p", "/q"] {
        bench.put(key, "neighbour").await?;
    }
    for i in 0..6 {
        bench.put(format!("/p/{i}"), "1").await?;
    }
    Ok(())
}
