"""The GraphQL documents: what REST does not say (threads, who resolved, what is folded) or cannot do."""

from __future__ import annotations

from typing import Final

_COMMENT: Final = "id fullDatabaseId body isMinimized viewerDidAuthor author { login __typename }"

EARLIER: Final = f"""
query Earlier($owner: String!, $name: String!, $number: Int!,
              $threads: Boolean!, $thread: String, $comments: Boolean!, $comment: String) {{
  viewer {{ login }}
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      headRefOid
      reviewThreads(first: 50, after: $thread) @include(if: $threads) {{
        pageInfo {{ hasNextPage endCursor }}
        nodes {{
          id path line startLine originalLine diffSide isResolved isOutdated
          resolvedBy {{ login }}
          comments(first: 50) {{
            pageInfo {{ hasNextPage endCursor }}
            nodes {{ {_COMMENT} }}
          }}
        }}
      }}
      comments(first: 100, after: $comment) @include(if: $comments) {{
        pageInfo {{ hasNextPage endCursor }}
        nodes {{ {_COMMENT} }}
      }}
    }}
  }}
}}
"""
"""Threads and comments of a pull request, page by page; each of the two can be left out."""

THREAD: Final = f"""
query Thread($id: ID!, $comment: String) {{
  node(id: $id) {{
    ... on PullRequestReviewThread {{
      comments(first: 100, after: $comment) {{
        pageInfo {{ hasNextPage endCursor }}
        nodes {{ {_COMMENT} }}
      }}
    }}
  }}
}}
"""
"""The further comments of one thread."""

RESOLVE: Final = """
mutation Resolve($id: ID!) {
  resolveReviewThread(input: {threadId: $id}) { thread { isResolved } }
}
"""

MINIMISE: Final = """
mutation Minimise($id: ID!, $classifier: ReportedContentClassifiers!) {
  minimizeComment(input: {subjectId: $id, classifier: $classifier}) { minimizedComment { isMinimized } }
}
"""
